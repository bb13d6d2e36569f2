"""Everything a replica can ask of the world, and the order in which it must become true.

The driver performs the effects of one step in the order they are listed, and this is the contract it keeps:

1. `Persist` effects reach the disk in the order of their tickets. `Persisted(t)` is told only when everything up to
   ticket t would survive a power cut. The replica itself holds back what must wait for it (an `Ack`, a `Promise`).
2. `Keep` effects reach the disk after every `Persist` before them. They need no flush of their own: what they hold can
   be worked out again from the log.
3. `Multicast` effects are handed to the engine in order.
4. `Reply` is told to the asker as soon as it is listed: what it promises is already on a majority of disks.
5. `Expose` comes after the tree has changed; readers may see the new state from then on.
6. `ReadReady` is told after every `Expose` listed before it, as soon as it is listed.
7. `Fetch`, `SetTimer`, `Resign` and `Alarm` may be done at any time after the step.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.core.log import Entry
from cluster.core.messages import Point
from cluster.core.snapshot import Remembered, Snapshot
from cluster.core.tree import Applied
from cluster.model import Revision

# --- outcomes of a request ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """OK: on a majority of the configured votes' disks, in this place of the one order."""

    revision: Revision


@dataclass(frozen=True, slots=True)
class Refused:
    """FAILED: the tree refused it, on every node alike; it has changed nothing and never will.

    `revision` is the place in the order where it was looked at: a session that was told of it has seen that much."""

    errno: int
    message: str
    revision: Revision | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NotDone:
    """FAILED: it was never sent to anyone. `code` is that of an error in cluster/errors.py; `errno` is not 0 when this
    node's disk is why."""

    code: str
    message: str
    errno: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """UNKNOWN: it was sent and nobody can say yet. Asking again with the same request id is safe."""

    message: str


Outcome = Done | Refused | NotDone | Unknown

# --- what the disk keeps --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PromiseRecord:
    epoch: int


@dataclass(frozen=True, slots=True)
class AppendRecord:
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class InstallRecord:
    """Forget the log after `keep_index` (or, with a snapshot, everything) and continue with `entries`.

    `dropped` entries were here and are not part of the cluster's history: they go to the conflict journal.
    """

    epoch: int
    keep_index: int
    snapshot: Snapshot | None
    entries: tuple[Entry, ...]
    dropped: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Committed:
    """One committed entry and what it did. `applied` is None when it changed nothing in the tree."""

    point: Point
    version: int
    applied: Applied | None
    remembered: Remembered | None = None
    electorate: dict[int, int] | None = None
    user: str = ""
    door: str = ""
    node_id: int = 0
    time_ms: int = 0


# --- effects --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Multicast:
    payload: bytes


@dataclass(frozen=True, slots=True)
class Persist:
    ticket: int
    record: PromiseRecord | AppendRecord | InstallRecord


@dataclass(frozen=True, slots=True)
class Keep:
    committed: tuple[Committed, ...]


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get from node `source` (reached as `contact` says) what lies between one of `have` and `want`."""

    epoch: int
    source: int
    contact: str
    have: tuple[Point, ...]
    want: Point


@dataclass(frozen=True, slots=True)
class Reply:
    request_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ReadReady:
    """The committed state holds all that was acknowledged, anywhere, before these readers asked: they may read now."""

    read_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadRefused:
    """Nobody here can say what the newest state is. `code` is that of an error in cluster/errors.py."""

    read_ids: tuple[str, ...]
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Expose:
    """Committed changes readers may see now; `whole` when the tree was replaced by a snapshot."""

    committed: tuple[Committed, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True)
class SetTimer:
    name: str
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Resign:
    """Leave the `config` group: this node can no longer keep its promises. Reads go on, marked stale."""

    reason: str


@dataclass(frozen=True, slots=True)
class Alarm:
    message: str


Effect = Multicast | Persist | Keep | Fetch | Reply | ReadReady | ReadRefused | Expose | SetTimer | Resign | Alarm
