"""Where a replica is in its work: its phase, and everything it knows of the view it is in. Values, no decisions."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from cluster.core.lag import Lag
from cluster.core.log import FIRST
from cluster.core.messages import Append, Point, State
from cluster.core.operations import ElectorateChange
from cluster.core.sync import Choice


class Phase(enum.Enum):
    OFFLINE = "offline"
    COLLECTING = "collecting"
    PROMISING = "promising"
    FETCHING = "fetching"
    INSTALLING = "installing"
    INSTALLED = "installed"
    ACTIVE = "active"
    READ_ONLY = "read-only"
    FAILED = "failed"


@dataclass
class Work:
    """What is going on in one view; a new view begins with a new one. `position` is the index of the last entry of the
    order in this epoch, which on a node that took a snapshot may be behind the log's end; `held` is how far its log is
    on disk, `said_index` how far it said so; `acked` is node id → index, of this node and of the others as they said;
    `asked` is the change of the electorate this node asked for last."""

    view: bytes = b""
    session: bytes = b""
    ring_sequence: int = 0
    members: tuple[int, ...] = ()
    states: dict[int, State] = field(default_factory=dict)
    state_said: bool = False
    choice: Choice | None = None
    promise_ticket: int = 0
    promise_said: bool = False
    promises: set[int] = field(default_factory=set)
    install_ticket: int = 0
    position: int = 0
    queue: list[tuple[int, Append]] = field(default_factory=list)
    queue_bytes: int = 0
    unacked: list[tuple[int, Point]] = field(default_factory=list)
    acked: dict[int, int] = field(default_factory=dict)
    held: Point = FIRST
    said_index: int = 0
    ack_waits: bool = False
    asked: ElectorateChange | None = None
    lag: Lag = field(default_factory=Lag)
    told_to_start_again: set[int] = field(default_factory=set)
    parts: dict[int, bytes] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        return self.choice.epoch if self.choice is not None else 0
