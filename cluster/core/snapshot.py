"""A replica's committed state as one value: what a newcomer, or a node too far behind, starts from.

Holds the tree, where in the log it stands, whose votes count there, and the outcomes remembered for retries.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.core.log import FIRST
from cluster.core.messages import Point
from cluster.core.tree import Entry as TreeEntry


@dataclass(frozen=True, slots=True)
class Remembered:
    """The outcome of a request, kept so that a retry with the same id is answered and not applied again.

    `errno` is 0 for a command that was applied, else the number it was refused with.
    """

    request_id: str
    epoch: int
    index: int
    errno: int
    message: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`entries` is every tree entry but the root; of the root, `version`, `mtime_s` and `writer` are told."""

    point: Point = FIRST
    version: int = 1
    mtime_s: int = 0
    entries: tuple[TreeEntry, ...] = ()
    electorate: dict[int, int] = field(default_factory=dict)
    remembered: tuple[Remembered, ...] = ()
    writer: int = 0
