"""The one small interface to group communication; its makers are corosync.py, loopback.py and simulated.py.

The ordering contract, which tests/engine/contract.py checks on every maker:

1. *Agreed delivery.* Members of a group see the same messages in the same order, placed alike around every
   `GroupChanged`: two members that move from one view to the next together delivered the same messages between them.
2. *Self-delivery.* A sender receives its own message, in its place in the order.
3. *Membership first.* Nobody receives a message of a group before the first `GroupChanged` that lists it as a member.
4. *Rings.* `GroupChanged.ring` is the newest ring this node knows in this group's order. When the ring changes while
   the group's members do not, `GroupChanged` is delivered again with the new ring. In one group, ring sequences never
   go backwards on one node; two groups may hear of a new ring one after the other.
5. *Quorum apart.* `QuorumChanged` comes on its own and may come before or after the `GroupChanged` of the same ring;
   compare the ring (`cluster/core/membership.py` joins the two).
6. *Loss.* After `EngineLost` nothing more is delivered; what was multicast but not delivered has an unknown fate.
   Starting again makes a new incarnation.

Callbacks are called on the event loop, one at a time, and must not block. An engine knows nothing of what is in a
message.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from cluster.model import Member, Quorum, RingId, TotemState

MESSAGE_SIZE_MAX = (1 << 20) - 4096  # bytes; CPG carries 1 MiB - 1 KiB in one piece (cpg_max_atomic_msgsize_get)
QUEUE_MESSAGES_MAX = 1024  # messages accepted by multicast() and not yet taken by the transport


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """The members of a group, in this ring, from here on in the order. `members` is sorted."""

    group: str
    ring: RingId
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message of a group in its agreed place. `sender` is what the transport says, never what the message says."""

    group: str
    sender: Member
    payload: bytes


@dataclass(frozen=True, slots=True)
class QuorumChanged:
    """Quorum as the transport sees it: the ring it speaks of, the nodes in it, and the vote arithmetic."""

    ring: RingId
    nodes: tuple[int, ...]
    quorum: Quorum


@dataclass(frozen=True, slots=True)
class EngineLost:
    """The transport is gone (corosync stopped, the wire closed). `reason` is a sentence."""

    reason: str


EngineEvent = GroupChanged | Delivered | QuorumChanged | EngineLost


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """One link of this node towards a peer: is it connected, and what corosync measures on it."""

    peer_node_id: int
    link: int
    connected: bool
    latency_us: int | None = None


@dataclass(frozen=True, slots=True)
class LinkCount:
    """What the engine has counted on one link towards a peer since it started; latencies are its own averages, None
    before the first answer. Two readings make a `LinkState` (`cluster/node/link_readings.py`)."""

    peer_id: int
    link: int
    connected: bool
    latency_ave_us: int | None = None
    latency_max_us: int | None = None
    latency_samples: int = 0
    pings: int = 0
    pongs: int = 0
    retries: int = 0
    flaps: int = 0
    mtu: int = 0
    peer_address: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """All links at one moment, and the node's part in totem."""

    links: tuple[LinkCount, ...] = ()
    totem: TotemState | None = None


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What the engine knows now, for status pages and `pvecm status`; never used to decide a write."""

    running: bool
    node_id: int = 0
    ring: RingId | None = None
    nodes: tuple[int, ...] = ()
    quorum: Quorum | None = None
    votes: dict[int, int] | None = None
    links: tuple[LinkStatus, ...] = ()
    devices: dict[int, str] | None = None  # how each node stands to a QDevice, in corosync-quorumtool's words
    device_votes: int = 0  # what it has configured; what counts of it here is the last of `votes`
    config_version: int = 0  # of the configuration it runs; 0 when it has no word of it


class Engine(Protocol):
    """Group communication for one node. `name` is `corosync`, `loopback` or `simulated`."""

    name: str

    async def start(self, on_event: Callable[[EngineEvent], None]) -> None:
        """Connect, with the configuration on disk. Bounded at 30 s. Raises `Unavailable`."""

    async def stop(self) -> None:
        """Leave every group and disconnect. Never raises; a second call does nothing."""

    async def join(self, group: str) -> None:
        """Join a group; `GroupChanged` follows. Raises `Unavailable`."""

    async def leave(self, group: str) -> None:
        """Leave a group. Never raises."""

    def multicast(self, group: str, payload: bytes) -> None:
        """Queue a message for agreed delivery, first in first out. Raises `Busy` when the queue is full,
        `InvalidInput` when the payload is larger than MESSAGE_SIZE_MAX."""

    async def reload(self) -> None:
        """Make every member read its corosync.conf again. Raises `Unavailable`."""

    async def status(self) -> EngineStatus:
        """Never raises: an engine that does not answer within 1 s is reported as not running."""

    async def config_version(self) -> int:
        """Of the configuration the engine runs, as `status` tells it: 0 when it has no word of it. Never raises."""

    async def measure(self, wanted: Collection[tuple[int, int]]) -> Measured | None:
        """What was counted on these links, each a peer's node id and a link's number; one that the engine does not
        know is left out. None while it takes no questions. Never raises: without an answer within 3 s there is
        nothing."""
