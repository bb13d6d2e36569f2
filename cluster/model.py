"""The frozen values every part of Quire shares: nodes, links, rings, views, quorum, samples, tasks, changes.

Values only: nothing here reads a clock, a file or a socket. What the daemon publishes to pages and programs is
`ClusterState` and the `Change`s that follow it. `cluster/core/` decides with these, `cluster/node/` fills them in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LINKS_MAX = 8  # links 0..7, corosync.conf(5)


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """One network path of a node. `address` is a literal IP address or a host name, as stored in `ringN_addr`."""

    number: int
    address: str
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A configured node: one entry of the nodelist of corosync.conf."""

    name: str
    node_id: int
    votes: int
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class RingId:
    """Names one agreed membership: its sequence number and the node that represents it."""

    sequence: int
    representative: int


@dataclass(frozen=True, slots=True, order=True)
class Member:
    """A process joined to a group now."""

    node_id: int
    pid: int


@dataclass(frozen=True, slots=True, order=True)
class Revision:
    """A place in the one order of committed operations: the epoch that wrote it and its index."""

    epoch: int
    index: int


@dataclass(frozen=True, slots=True)
class Quorum:
    """What votequorum says, in numbers. `flags` are corosync-quorumtool's words: 2Node, Quorate, WaitForAll …"""

    quorate: bool
    expected_votes: int
    total_votes: int
    quorum: int
    highest_expected: int = 0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of a node's metrics at `time_s` (unix). Names and units are listed in `cluster/node/samplers.py`."""

    time_s: float
    values: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkState:
    """One link towards a peer as the node that has it measures it; each of its two ends has one, and they may differ.

    `latency_us` is the round trip of the last few seconds, None while no answer comes; `latency_ave_us` and
    `latency_max_us` are corosync's own figures since the link came up. `loss` is the share of pings without an answer
    in the last half minute, None before there were enough. `retries` and `flaps` count since the engine started: sends
    that had to be tried again, and how often the link went down. `mtu` is in bytes, 0 while unknown. `peer_address` is
    the one the engine uses now, which follows corosync.conf once that was read again.
    """

    peer_id: int
    link: int
    connected: bool
    latency_us: int | None = None
    latency_ave_us: int | None = None
    latency_max_us: int | None = None
    loss: float | None = None
    retries: int = 0
    flaps: int = 0
    mtu: int = 0
    peer_address: str = ""

    @property
    def standing(self) -> tuple[int, int, bool, int, str]:
        """Which link this is and whether it works, without figures: what is worth telling at once when it changes."""
        return self.peer_id, self.link, self.connected, self.flaps, self.peer_address


@dataclass(frozen=True, slots=True)
class TotemState:
    """A node's part in totem: messages it sent again since the engine started, the mean time between two tokens in
    milliseconds, and the places left in the queue of messages to be sent; None where the engine does not tell."""

    retransmits: int | None = None
    token_ms: int | None = None
    queue_free: int | None = None


@dataclass(frozen=True, slots=True)
class Trends:
    """What a node's load was, a figure per minute of the last hour, oldest first: percent, None where nothing was
    heard. The minute that is under way is not there yet."""

    cpu: tuple[int | None, ...] = ()
    memory: tuple[int | None, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeState:
    """A node as a page shows it. `online` is None while unknown; `since_s` (unix) is when `online` last changed.

    `link_states` are this node's links towards its peers, as it told within the last seconds; an offline node has
    none. `clock_apart_s` is how far its clock is from the local node's, in whole seconds. These change every second or
    two, so a `cluster` change leaves them out, like samples. `trends` are its last minutes.
    """

    name: str
    node_id: int
    votes: int
    links: tuple[Link, ...] = ()
    address: str = ""
    local: bool = False
    online: bool | None = None
    since_s: float | None = None
    fingerprint: str = ""
    sample: Sample | None = None
    link_states: tuple[LinkState, ...] = ()
    totem: TotemState | None = None
    version: str = ""
    certificate_ends_s: float | None = None
    clock_apart_s: int = 0
    trends: Trends = Trends()


@dataclass(frozen=True, slots=True)
class StoreState:
    """The replicated store as seen from this node. `reason` is a sentence when not `writable`, else empty; `trouble`
    says what is wrong with this node's own disk or copy, and what to do about it; `lagging` are nodes that have not
    confirmed for more than 10 s what they were sent."""

    writable: bool
    reason: str
    revision: Revision
    digest: str
    trouble: str = ""
    lagging: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkTrialState:
    """A change of links that waits for its confirmation: who began it, and when (unix) it goes back. `back_s`: when it
    did go back, told for a while afterwards; None while it is on trial."""

    user: str
    deadline_s: float
    back_s: float | None = None


@dataclass(frozen=True, slots=True)
class WitnessSeen:
    """A node's part in asking the witness. `state` is corosync-qdevice's word, empty where it does not run; `since_s`
    (unix) is when `connected` last changed; `vote` tells whether this node was given the witness's vote by its last
    answer. `installed`: are the programs there?"""

    installed: bool = False
    state: str = ""
    connected: bool = False
    since_s: float | None = None
    vote: bool = False
    algorithm: str = ""
    tie_breaker: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class WitnessState:
    """The cluster's witness as pages show it. `resting`: set up, and without a vote while the number of nodes is odd.
    `configured_votes` is what it may cast, `votes` what corosync counts here now; `seen` tells each node's part by its
    name. `advice` is a sentence where one should be added or removed, also when `host` is empty: there is none."""

    host: str = ""
    algorithm: str = ""
    configured_votes: int = 0
    votes: int = 0
    resting: bool = False
    managed: bool = False
    connected: bool = False
    since_s: float | None = None
    seen: tuple[tuple[str, WitnessSeen], ...] = ()
    advice: str = ""


@dataclass(frozen=True, slots=True)
class LoweredVotes:
    """The expected votes were lowered by hand on this node, until when (unix), and by whom."""

    votes: int
    configured: int
    until_s: float
    user: str


@dataclass(frozen=True, slots=True)
class AlertState:
    """Something that is wrong now. `node` is the one that sees it, `told` says whether a target was told of it."""

    key: str
    kind: str
    node: str
    sentence: str
    since_s: float
    told: bool = False
    silenced: bool = False


@dataclass(frozen=True, slots=True)
class ClusterState:
    """Everything a page needs about the cluster, seen from one node. `name` is empty on a stand-alone node."""

    local_node: str
    name: str = ""
    config_version: int = 0
    nodes: tuple[NodeState, ...] = ()
    quorum: Quorum | None = None
    ring: RingId | None = None
    settled: bool = False
    store: StoreState | None = None
    engine: str = ""
    problem: str = ""
    link_trial: LinkTrialState | None = None
    lowered: LoweredVotes | None = None
    witness: WitnessState | None = None
    alerts: tuple[AlertState, ...] = ()

    @property
    def in_cluster(self) -> bool:
        return bool(self.name)

    def node(self, name: str) -> NodeState | None:
        return next((node for node in self.nodes if node.name == name), None)


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task: running while `end_time_s` is None; then `status` is `OK`, `WARNINGS: n` or the error's text."""

    upid: str
    node: str
    pid: int
    pstart: int
    start_time_s: int
    type: str
    id: str
    user: str
    end_time_s: int | None = None
    status: str = ""
    step: str = ""
    progress: float = 0.0  # 0..1


@dataclass(frozen=True, slots=True)
class Change:
    """One numbered change told to subscribers.

    `number` counts up by one per daemon process; a gap means: ask for a new snapshot. `topic` is one of
    `cluster` (value: ClusterState without samples and links' states), `node` (NodeState), `task` (TaskState),
    `tasklog` ({upid, first, lines}), `store` (StoreState), `event` ({node, number, kind}:
    something was recorded), `log` ({}: the cluster log has more), `check` ({id, kind, done, findings}: so far). `value`
    is plain JSON-able data.
    `at_s` is the daemon's clock (unix) when the event that caused it arrived, to measure event → pixel.
    """

    number: int
    topic: str
    value: dict[str, Any]
    at_s: float
