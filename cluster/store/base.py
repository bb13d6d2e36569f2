"""What keeps a replica's store on one node: the interface, and the values it hands out.

`disk.py` is the real one (SQLite), `memory.py` a faithful pretence for tests. Both promise what
`cluster/core/effects.py` asks for: a reported ticket survives a power cut, and so does everything persisted before it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cluster.core.effects import AppendRecord, Committed, InstallRecord, PromiseRecord
from cluster.core.log import Entry
from cluster.core.machine import Durable
from cluster.core.messages import Point

Record = PromiseRecord | AppendRecord | InstallRecord

KEEP_LOG_BYTES = 64 << 20  # committed log entries stay this long, so that others can catch up without a snapshot
KEEP_LOG_ENTRIES = 200_000


@dataclass(frozen=True, slots=True)
class Change:
    """A committed change as people would tell it. `paths` are (path, kind) with the kinds of `tree.PathChange`."""

    point: Point
    time_ms: int
    user: str
    door: str
    node_id: int
    paths: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A log entry that was here and is not part of the cluster's history."""

    time_s: int
    entry: Entry


@dataclass(slots=True)
class Counters:
    """What was written since the store was opened. `bytes` counts what was handed to the disk as content."""

    transactions: int = 0
    rows: int = 0
    bytes: int = 0


class Disk(Protocol):
    def identity(self) -> tuple[str, int]:
        """The lineage's uuid and this node's id in it."""

    def load(self) -> Durable:
        """What a replica wakes up with. Raises `StoreDamaged` when what is there cannot be trusted."""

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        on_persisted: Callable[[int], None],
        on_failed: Callable[[str, int], None],
    ) -> None:
        """Begin to write. Both callbacks are called on the loop. `on_failed(reason, errno)` is called once at most;
        after it nothing more is written."""

    def persist(self, ticket: int, record: Record) -> None:
        """Write a record; `on_persisted` tells when it, and all before it, would survive a power cut."""

    def keep(self, committed: tuple[Committed, ...]) -> None:
        """Write what committed entries did, some time after every record before; never waits for the disk."""

    def history(self, have: Sequence[Point], want: Point) -> tuple[Point, tuple[Entry, ...]] | None:
        """The greatest point of `have` that is in this log, and the entries after it up to `want`; None when this log
        does not hold them (any more). May be called from any thread."""

    def changes(self, path: str | None = None, limit: int = 100, before: int | None = None) -> tuple[Change, ...]:
        """Committed changes, newest first: of `path` and what is below it, with an index less than `before`."""

    def conflicts(self, limit: int = 1000) -> tuple[Conflict, ...]:
        """The conflict journal, newest first."""

    def trim(self, keep_bytes: int = KEEP_LOG_BYTES, keep_entries: int = KEEP_LOG_ENTRIES) -> None:
        """Forget the oldest log entries that are committed and kept, beyond these budgets; done by itself as well."""

    def backup_to(self, path: Path) -> None:
        """A consistent copy that can be opened as a store, readable by root only. Raises `Unavailable`."""

    def verify(self) -> tuple[str, ...]:
        """Read everything and compare it with its checksums: a sentence per finding, none when all is well."""

    def missing(self) -> str:
        """Why what is written here can no longer be found where the store is: a sentence, or ""."""

    def counters(self) -> Counters:
        """What was written so far."""

    def close(self) -> None:
        """Write what is still to be kept and let go of the file. A second call does nothing."""


def first_point(uuid: str) -> Point:
    """Where the log of a lineage begins."""
    return Point(0, 0, hashlib.sha256(uuid.encode()).digest())
