"""Requests about nodes as machines: where a node is, a call carried to it, and what this host tells of itself.

Like `requests.py`, whose manner and rules hold here too; apart from it so that each fits a reader's head.
"""

from __future__ import annotations

from cluster.control.requests import Request
from cluster.secret import Secret

# --- other nodes ----------------------------------------------------------------------------------------------------


class LocateNode(Request, tag="node.locate"):
    """A committed node by its name, or this one as `localhost`. → {name, local}. Raises NotFound."""

    node: str


class ForwardCall(Request, tag="node.forward"):
    """Carry an API call to another committed node, over TLS pinned to the certificate it announced.
    → {status, reason, content_type, body: bytes}: what it answered. `target` is path and query below /api2/,
    `credentials` the headers that say who asks. Raises NotFound, PeerError with the reason when it cannot be reached,
    FingerprintMismatch, Busy."""

    node: str
    http_method: str
    target: str
    credentials: dict[str, Secret]
    content_type: str = ""
    body: bytes = b""


class RootSession(Request, tag="access.root-session"):
    """→ {file, address, port, fingerprint}: where this node's site is, and a file that only root can read, with a
    ticket of root@pam and its anti-forgery token: {ticket, CSRFPreventionToken}. Who reads it removes it."""

    user: str = "root@pam"


class NodeHistory(Request, tag="node.history"):
    """A committed node's figures over time, as this node heard them. `frame` is hour, day, week, month, year or decade.
    → [{time, figure: value}]: a row per step, oldest first; what was not measured is absent. Raises NotFound."""

    node: str
    frame: str
    maximum: bool = False


# --- this host ------------------------------------------------------------------------------------------------------


class HostTime(Request, tag="host.time"):
    """→ {time, localtime, timezone}: seconds since 1970, the same plus the zone's offset, and the zone's name."""


class HostDns(Request, tag="host.dns"):
    """→ {search?, dns1?, dns2?, dns3?}: what resolv.conf says."""


class HostNames(Request, tag="host.names"):
    """→ {data, digest}: /etc/hosts and its SHA-1."""


class HostServices(Request, tag="host.services"):
    """→ [{name, service, desc, state, active-state, unit-state}]: the services a cluster leans on."""


class HostJournal(Request, tag="host.journal"):
    """→ {lines: [str], total}: the host's journal, oldest first; `since` and `until` are seconds since 1970.
    With `last` so many of the end; else from `start` on, at most `limit`. Raises Unavailable where none is kept."""

    start: int = 0
    limit: int = 50
    last: int | None = None
    since: int | None = None
    until: int | None = None
    service: str | None = None
    user: str = "root@pam"


class NodeCertificates(Request, tag="node.certificates"):
    """→ [{filename, subject, issuer, fingerprint, notbefore, notafter, san, public-key-type, public-key-bits, pem}]."""


class QdeviceStatus(Request, tag="cluster.qdevice"):
    """→ {key: text}: what corosync-qdevice says of itself; {} where none runs."""


class GuestIds(Request, tag="guest.ids"):
    """→ [int]: the ids that guests' configuration files in the tree have taken."""


class Pools(Request, tag="pool.list"):
    """→ [{poolid, comment, guests: [text], storages: [text]}]: those on which `user` holds Pool.Audit."""

    user: str


class ClusterTasks(Request, tag="task.cluster"):
    """→ [TaskState]: recent tasks of all nodes, newest first, of nodes that are away as last heard."""
