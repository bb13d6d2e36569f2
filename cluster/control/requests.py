"""Every request the daemon answers on its control socket, as types: the whole surface between site, CLI and daemon.

Those about the store are in `store_requests.py`. Both sides decode with these, so an unknown field or a wrong type is
refused at the door. `user` is the signed-in user the request is made for (`root@pam` from the CLI). Results are plain
JSON-able data, described per request.
Framing is `protocol.py`; who may connect is `server.py`; what each request does is `cluster/node/handlers.py`.
"""

from __future__ import annotations

from cluster.control.request import SECRET_FIELDS as SECRET_FIELDS
from cluster.control.request import Request as Request
from cluster.control.request import as_plain as as_plain
from cluster.control.store_requests import StoreCheck as StoreCheck
from cluster.control.store_requests import StoreConflict as StoreConflict
from cluster.control.store_requests import StoreConflictRestore as StoreConflictRestore
from cluster.control.store_requests import StoreConflicts as StoreConflicts
from cluster.control.store_requests import StoreDiff as StoreDiff
from cluster.control.store_requests import StoreExchange as StoreExchange
from cluster.control.store_requests import StoreExport as StoreExport
from cluster.control.store_requests import StoreHealth as StoreHealth
from cluster.control.store_requests import StoreHistory as StoreHistory
from cluster.control.store_requests import StoreImport as StoreImport
from cluster.control.store_requests import StoreList as StoreList
from cluster.control.store_requests import StoreOutcome as StoreOutcome
from cluster.control.store_requests import StorePoint as StorePoint
from cluster.control.store_requests import StoreRead as StoreRead
from cluster.control.store_requests import StoreRestore as StoreRestore
from cluster.control.store_requests import StoreShow as StoreShow
from cluster.control.store_requests import StoreVerify as StoreVerify
from cluster.control.store_requests import StoreWrite as StoreWrite
from cluster.secret import Secret

# --- status -------------------------------------------------------------------------------------------------------


class Version(Request, tag="version"):
    """→ {version: "9.2.11-shaped string", release, repoid, name: "Quire", quire_version}"""


class ClusterMark(Request, tag="cluster.mark"):
    """→ {mark: 16 hexadecimal digits} of the authority whose cluster signs tickets here: another one after a join."""


class Status(Request, tag="status"):
    """→ {number: int, source: str, cluster: ClusterState, tasks: [TaskState]}: a snapshot at change `number`.

    `source` names this life of the daemon: when it differs from the one before, numbers start anew."""


class Subscribe(Request, tag="subscribe"):
    """A stream: first the result of Status, then every Change with a greater number, in order, without gaps."""


class ClusterLog(Request, tag="cluster.log"):
    """→ [{uid, time, pri, tag, pid, node, user, msg}]: what happened lately on any node, newest first.

    With `user` only what that user did."""

    max: int = 50
    user: str | None = None


class KeyWrite(Request, tag="key.write"):
    """→ null: this node's status has a key of this name. All nodes know it, no disk keeps it; no data takes it back."""

    name: str
    data: bytes
    user: str = "root@pam"


class KeyRead(Request, tag="key.read"):
    """→ {data: bytes}: what a node said of itself under a key; `node` empty: this one. NotFound when it said none."""

    name: str
    node: str = ""
    user: str = "root@pam"


class EngineReport(Request, tag="engine.report"):
    """→ {running, node_id, ring: {sequence, representative}|null, nodes: [id], votes: {id: n},
    quorum: {...}|null, links: [{peer_node_id, link, connected, latency_us}]}: asked of the engine now;
    lagging: [name], whose store does not keep up."""


class NodeFacts(Request, tag="node.facts"):
    """→ what does not change while this node runs: CPU model, kernel … (cluster/node/samplers.py: facts)."""


class Interfaces(Request, tag="network.interfaces"):
    """→ [{iface, type, active, address, netmask, cidr, address6?, cidr6?, comments, advice}]: this host's real
    interfaces; `advice` is a sentence where a link on it would share a network with other heavy traffic, else ""."""


# --- cluster configuration ------------------------------------------------------------------------------------------


class ClusterConfig(Request, tag="cluster.config"):
    """→ {totem: {...}|null, nodes: [{name, nodeid, quorum_votes, ringN_addr…, node}], digest}: corosync.conf,
    values as strings."""


class JoinInfo(Request, tag="cluster.join-info"):
    """→ the object of GET /cluster/config/join (control-plane reference §3.1). Raises NotInCluster."""

    node: str | None = None


class CreateCluster(Request, tag="cluster.create"):
    """→ {upid}. `links` maps link number to "address[,priority=n]" as PVE writes link strings.
    Raises Conflict, InvalidInput."""

    clustername: str
    links: dict[int, str] = {}
    nodeid: int | None = None
    votes: int | None = None
    token_coefficient: int = 125
    user: str = "root@pam"


class JoinCluster(Request, tag="cluster.join"):
    """→ {upid}. Raises Conflict when already in a cluster (without force), InvalidInput. With
    `token` no password is needed; `brings`: what this node has of its own comes along."""

    hostname: str
    fingerprint: str
    password: Secret = Secret()
    links: dict[int, str] = {}
    nodeid: int | None = None
    votes: int | None = None
    force: bool = False
    token: Secret = Secret()
    cluster_uuid: str = ""
    brings: bool = False
    user: str = "root@pam"


class DecodeInvitation(Request, tag="cluster.decode-invitation"):
    """Read a pasted join string, asking no other node. → {address, fingerprint, cluster_name,
    links: [{number, peer_address}], address_optional: bool, warnings: [str], token, cluster_uuid}. Raises InvalidInput
    (field `invitation`).

    `address_optional`: there is one link and the peer's address on it is `address`, so the joining node may leave its
    own to be found from its name."""

    text: str


class AddNode(Request, tag="cluster.add-node"):
    """The peer's side of a join. → {corosync_authkey (latin-1 text of the key's bytes),
    corosync_conf, cluster_uuid, undo_token, warnings: [str]}."""

    node: str
    links: dict[int, str] = {}
    nodeid: int | None = None
    votes: int | None = None
    force: bool = False
    new_node_ip: str | None = None
    apiversion: int = 0
    user: str = "root@pam"


class UndoAddNode(Request, tag="cluster.undo-add-node"):
    """Take back an AddNode whose joiner gave up, if that node was never seen online since. → null.

    `undo_token` is the secret AddNode returned; it is good for this one addition only, until the joiner is online.
    """

    node: str
    undo_token: Secret


class LeaveCluster(Request, tag="cluster.leave"):
    """→ {upid}. This node leaves its cluster and becomes stand-alone. With `force` also where the cluster cannot be
    asked, for want of quorum; a node that is away and answers yet forbids that but for `even_if_alive`. Raises
    NotInCluster, Conflict; a refusal for want of quorum is the task's outcome."""

    force: bool = False
    even_if_alive: bool = False
    user: str = "root@pam"


class RemovalPlan(Request, tag="cluster.removal-plan"):
    """What taking `node` out would mean. → {node, node_id, online, before, after, obstacle, warnings: [str],
    references: [{path, kind, what, becomes}], order: [str]}; before and after:
    {nodes, online, expected_votes, present_votes, needed_votes, quorate}. `obstacle` is a sentence where it cannot be
    done as things are, else "". Raises NotInCluster, NotFound."""

    node: str


class RemoveNode(Request, tag="cluster.remove-node"):
    """Take another node out of the cluster. → {warnings: [str]}, or with `task` at once {upid}. Raises NotInCluster,
    NotFound, Conflict (the asked node itself, the last one), NoQuorum, Busy, OutcomeUnknown; with `task` the last three
    are its outcome."""

    node: str
    task: bool = False
    user: str = "root@pam"


class RemovedNodes(Request, tag="cluster.removed-nodes"):
    """→ [{node, node_id, time_s, user, left: bool, undo_until_s}], newest first: who was taken out or left, and until
    when that can be taken back; 0 where it cannot."""


class UndoRemoval(Request, tag="cluster.undo-removal"):
    """Take a removal back, within a day. → {warnings: [str]}: what could not be put back. Raises NotInCluster,
    NotFound, Conflict, NoQuorum, Busy, OutcomeUnknown."""

    node: str
    user: str = "root@pam"


class CheckNode(Request, tag="cluster.check"):
    """Is this node fit to be, or become, a member? → [{code, severity: ok|warning|error, sentence}], never empty."""


class VerifyCluster(Request, tag="cluster.verify"):
    """Compare all nodes: configuration, key, store, certificates, versions, clocks. → {nodes: [{name, online,
    config_version, config_digest, revision: [epoch, index], store_digest, version, clock_ms}], findings: [{node, code,
    severity, sentence, advice}]}. Raises NotInCluster."""


# --- tasks ----------------------------------------------------------------------------------------------------------


class TaskList(Request, tag="task.list"):
    """→ [TaskState]: running tasks first, then finished ones newest first."""

    limit: int = 50


class TaskStatus(Request, tag="task.status"):
    """→ TaskState. Raises NotFound, and Forbidden for somebody else's without Sys.Audit on the node, as TaskLog."""

    upid: str
    user: str = "root@pam"


class TaskLog(Request, tag="task.log"):
    """→ {total: int, lines: [{n: 1-based int, t: str}]}. limit 0 means all. Raises NotFound."""

    upid: str
    start: int = 0
    limit: int = 50
    user: str = "root@pam"


class TaskStop(Request, tag="task.stop"):
    """→ null. The task's current step is cancelled and undone. Forbidden for somebody else's without Sys.Modify."""

    upid: str
    user: str = "root@pam"


# --- access ---------------------------------------------------------------------------------------------------------


class Login(Request, tag="access.login"):
    """Check a password (or, as PVE allows, a valid ticket given as password) and issue a ticket.
    → {username, ticket, CSRFPreventionToken, cap, clustername?}, or with a second factor to be given {username, ticket,
    CSRFPreventionToken, NeedTFA: 1}: half a ticket, to come back as `ticket` with `kind:code` as the password.
    With `verify` nothing is issued and no session begins: → {username, cap}; who has a second factor proves it by a
    ticket. Raises Unauthenticated, one sentence for every cause."""

    username: str
    password: Secret
    address: str = ""
    ticket: Secret = Secret()
    verify: bool = False


class CheckTicket(Request, tag="access.check-ticket"):
    """→ {username, issued_s}. Raises Unauthenticated."""

    ticket: Secret


class CheckCsrf(Request, tag="access.check-csrf"):
    """→ null. Raises Unauthenticated."""

    token: Secret
    username: str


class RenewAfterJoin(Request, tag="access.renew-after-join"):
    """For the browser session that started this node's join: the ticket of the node's former, stand-alone life
    → a ticket of the cluster's, for the same user, once the join succeeded and for ten minutes after.
    Same result as Login."""

    ticket: Secret


class WebFiles(Request, tag="web.files"):
    """What the web process needs from the daemon. → {certificate: path, key: path, secret_key: str}"""


# --- between nodes --------------------------------------------------------------------------------------------------


class PeerStanding(Request, tag="peer.standing"):
    """A machine asks whether it still is a member. → {removed: {time_s, user}|null, admission: {corosync_conf,
    corosync_authkey}|null}: the second for one whose removal was taken back, if `proof` shows the key it knew."""

    node_id: int
    proof: Secret
    body: bytes


class PeerHistory(Request, tag="peer.history"):
    """What another member lacks, for its catching up. `proof` authenticates the asking node (see control/peer.py).
    → {chunk: bytes, more: int|null}: while `more` is not null, ask again with `offset` = more and the same proof."""

    node_id: int
    proof: Secret
    body: bytes
    offset: int = 0
