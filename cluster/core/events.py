"""Everything that can happen to a replica, as values. The driver makes them; `replica.py` answers with effects."""

from __future__ import annotations

from dataclasses import dataclass
from errno import EIO

from cluster.core.log import Entry
from cluster.core.messages import Point
from cluster.core.snapshot import Snapshot
from cluster.model import Member, RingId


@dataclass(frozen=True, slots=True)
class ViewChanged:
    """The engine agreed on who is in the `config` group now. `members` is sorted and includes this node."""

    ring: RingId
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class ViewLost:
    """The engine is gone: nobody is in the group as far as this node can tell."""

    reason: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message in its agreed place. `sender` is the node id the engine vouches for."""

    sender: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Persisted:
    """Every `Persist` effect up to and including this ticket is on disk, and stays there through a power cut."""

    ticket: int


@dataclass(frozen=True, slots=True)
class PersistFailed:
    """The disk refused. Nothing after the last `Persisted` can be relied on; `reason` is a sentence, `errno` what a
    program that wants to write is told."""

    reason: str
    errno: int = EIO


@dataclass(frozen=True, slots=True)
class HistoryFetched:
    """What this node lacked, from the source it asked.

    Without a snapshot, `entries` follow `common`, a point this node has. With one, `entries` follow the snapshot.
    """

    epoch: int
    common: Point | None
    snapshot: Snapshot | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class FetchFailed:
    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """Somebody asks for a change. `body` is an encoded Command whose request id is `request_id`."""

    request_id: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Expired:
    """The asker of this request waits no longer."""

    request_id: str


@dataclass(frozen=True, slots=True)
class ReadAsked:
    """Somebody wants to read what is certainly the newest. Answered by `ReadReady` or `ReadRefused`."""

    read_id: str


@dataclass(frozen=True, slots=True)
class ReadGivenUp:
    """This reader waits no longer."""

    read_id: str


@dataclass(frozen=True, slots=True)
class Looked:
    """The time by a clock that never goes back; told every second or two, to notice who does not keep up."""

    now_ms: int


@dataclass(frozen=True, slots=True)
class TimerFired:
    name: str


Event = (
    ViewChanged
    | ViewLost
    | Delivered
    | Persisted
    | PersistFailed
    | HistoryFetched
    | FetchFailed
    | Proposed
    | Expired
    | ReadAsked
    | ReadGivenUp
    | Looked
    | TimerFired
)
