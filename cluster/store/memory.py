"""A store in memory that behaves like the one on disk, for tests and simulations: it can be slow, cut off and broken.

What is handed to it waits until `complete` is called (or, with `at_once`, until the loop comes round), and only then
would it survive. `cut` is a power cut or a killed process: a prefix of what waited may have reached the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from errno import ENOSPC
from pathlib import Path

from cluster.core.effects import AppendRecord, Committed, InstallRecord, PromiseRecord
from cluster.core.log import FIRST, Entry
from cluster.core.machine import REMEMBERED_MAX, REMEMBERED_MS, Durable
from cluster.core.messages import Point
from cluster.core.snapshot import Remembered, Snapshot
from cluster.core.tree import Entry as TreeEntry
from cluster.errors import Unavailable
from cluster.store.base import KEEP_LOG_BYTES, KEEP_LOG_ENTRIES, Change, Conflict, Counters, Record, first_point

_Item = tuple[int, Record | tuple[Committed, ...]]  # a ticket (0 for what is kept) and what to write


class MemoryDisk:
    """`create` or `blank` makes one. It outlives the replicas that load from it, as a disk does."""

    def __init__(self, uuid: str, node_id: int, snapshot: Snapshot, *, blank: bool, at_once: bool = True) -> None:
        self.uuid, self.node_id, self.at_once = uuid, node_id, at_once
        self._blank, self._promised = blank, 0
        self._conflicts: list[Conflict] = []
        self._changes: list[Change] = []
        self._counters = Counters()
        self._replace_all(snapshot)
        self._waiting: list[_Item] = []
        self._failed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_persisted: Callable[[int], None] = lambda ticket: None
        self._on_failed: Callable[[str, int], None] = lambda reason, errno: None

    @classmethod
    def create(cls, uuid: str, node_id: int, votes: int, *, at_once: bool = True) -> MemoryDisk:
        """A new, empty store of a stand-alone node."""
        snapshot = Snapshot(point=first_point(uuid), electorate={node_id: votes})
        return cls(uuid, node_id, snapshot, blank=False, at_once=at_once)

    @classmethod
    def blank(cls, uuid: str, node_id: int, *, at_once: bool = True) -> MemoryDisk:
        """An empty store that waits to be filled."""
        return cls(uuid, node_id, Snapshot(point=FIRST), blank=True, at_once=at_once)

    # --- what tests do to it ----------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many records are not on disk yet; a committed change of the electorate is as urgent as a record."""
        return sum(map(_is_urgent, self._waiting))

    def complete(self, count: int | None = None) -> None:
        """The oldest `count` records that wait (all, when None) are on disk now, and this is told."""
        ticket = self._write(self.waiting if count is None else count)
        if ticket is not None:
            self._on_persisted(ticket)

    def cut(self, survive: int = 0) -> None:
        """The process is gone. The oldest `survive` records that waited did reach the disk, though nobody was told."""
        self._write(survive)
        self._waiting, self._failed = [], False
        self._on_persisted, self._on_failed = lambda ticket: None, lambda reason, errno: None

    def fail(self, reason: str = "Writing the store failed: no space left on device.") -> None:
        """What waits is never written, nor is anything that comes later."""
        self._failed, self._waiting = True, []
        self._on_failed(reason, ENOSPC)

    # --- the interface ----------------------------------------------------------------------------------------------

    def identity(self) -> tuple[str, int]:
        return self.uuid, self.node_id

    def load(self) -> Durable:
        snapshot = Snapshot(
            self._kept, self._version, self._mtime_s, tuple(self._tree[inode] for inode in sorted(self._tree)),
            dict(self._electorate), tuple(self._remembered.values()), self._writer,
        )  # fmt: skip
        suffix = tuple(entry for entry in self.log if entry.point.index > self._kept.index)
        return Durable(self.uuid, self.node_id, self._blank, self._promised, snapshot, suffix)

    def start(
        self,
        loop: asyncio.AbstractEventLoop | None,
        on_persisted: Callable[[int], None],
        on_failed: Callable[[str, int], None],
    ) -> None:
        self._loop, self._on_persisted, self._on_failed = loop, on_persisted, on_failed

    def persist(self, ticket: int, record: Record) -> None:
        if self._failed:
            return
        self._waiting.append((ticket, record))
        if self.at_once and self._loop is not None:
            self._loop.call_soon(self.complete)

    def keep(self, committed: tuple[Committed, ...]) -> None:
        if not self._failed:
            self._waiting.append((0, committed))

    def history(self, have: Sequence[Point], want: Point) -> tuple[Point, tuple[Entry, ...]] | None:
        places = {entry.point: number for number, entry in enumerate(self.log, 1)}
        places[self.base] = 0
        found = [point for point in have if point in places and point.index <= want.index]
        if want not in places or not found:
            return None
        common = max(found, key=lambda point: point.index)
        return common, tuple(self.log[places[common] : places[want]])

    def changes(self, path: str | None = None, limit: int = 100, before: int | None = None) -> tuple[Change, ...]:
        above = (path or "").strip("/")
        found = [
            one
            for one in reversed(self._changes)
            if (before is None or one.point.index < before)
            and (not above or any(changed == above or changed.startswith(above + "/") for changed, _ in one.paths))
        ]
        return tuple(found[:limit])

    def conflicts(self, limit: int = 1000) -> tuple[Conflict, ...]:
        return tuple(reversed(self._conflicts[-limit:]))

    def trim(self, keep_bytes: int = KEEP_LOG_BYTES, keep_entries: int = KEEP_LOG_ENTRIES) -> None:
        size = sum(len(entry.body) for entry in self.log)
        while self.log and self.log[0].point.index <= self._kept.index:
            if size <= keep_bytes and len(self.log) <= keep_entries:
                return
            size -= len(self.log[0].body)
            self.base = self.log.pop(0).point

    def backup_to(self, path: Path) -> None:
        raise Unavailable("A store in memory has no backups.")

    def verify(self) -> tuple[str, ...]:
        return ()

    def missing(self) -> str:
        return ""

    def counters(self) -> Counters:
        return self._counters

    def close(self) -> None:
        if not self._failed:
            self._write(len(self._waiting) + 1)

    # --- what reaches the disk --------------------------------------------------------------------------------------

    def _write(self, count: int) -> int | None:
        """Write that many records and what is to be kept between them; returns the last one's ticket."""
        last: int | None = None
        while count and self._waiting:
            item = self._waiting.pop(0)
            count -= _is_urgent(item)
            ticket, record = item
            if isinstance(record, tuple):
                self._keep(record)
            else:
                self._persist(record)
                last = ticket
        return last

    def _persist(self, record: Record) -> None:
        self._counters.transactions += 1
        if isinstance(record, PromiseRecord):
            self._promised = max(self._promised, record.epoch)
        elif isinstance(record, AppendRecord):
            self._append(record.entries)
        else:
            self._install(record)

    def _append(self, entries: tuple[Entry, ...]) -> None:
        last = self.log[-1].point.index if self.log else self.base.index
        assert not entries or entries[0].point.index == last + 1, "the log would have a gap"
        self.log.extend(entries)
        self._counters.rows += len(entries)
        self._counters.bytes += sum(len(entry.body) for entry in entries)

    def _install(self, record: InstallRecord) -> None:
        self._conflicts += [Conflict(0, entry) for entry in record.dropped]
        if record.snapshot is not None:
            self._replace_all(record.snapshot)
        else:
            assert record.keep_index >= self._kept.index, "a kept entry would be dropped"
            del self.log[record.keep_index - self.base.index :]
        self._append(record.entries)
        self._promised, self._blank = max(self._promised, record.epoch), False

    def _replace_all(self, snapshot: Snapshot) -> None:
        self.base = self._kept = snapshot.point
        self.log: list[Entry] = []
        self._version, self._mtime_s, self._writer = snapshot.version, snapshot.mtime_s, snapshot.writer
        self._tree: dict[int, TreeEntry] = {entry.inode: entry for entry in snapshot.entries}
        self._electorate = dict(snapshot.electorate)
        self._remembered: dict[str, Remembered] = {one.request_id: one for one in snapshot.remembered}

    def _keep(self, committed: tuple[Committed, ...]) -> None:
        for one in committed:
            assert one.point.index == self._kept.index + 1, "an entry would be kept out of turn"
            self._kept = one.point
            if one.applied is not None:
                self._tree.update({entry.inode: entry for entry in one.applied.entries})
                for inode in one.applied.removed:
                    self._tree.pop(inode, None)
                paths = tuple((change.path, change.kind) for change in one.applied.paths)
                if paths:
                    self._changes.append(Change(one.point, one.time_ms, one.user, one.door, one.node_id, paths))
            if one.version != self._version:
                self._version, self._mtime_s, self._writer = one.version, one.time_ms // 1000, one.node_id
            if one.electorate is not None:
                self._electorate = dict(one.electorate)
            if one.remembered is not None:
                self._remember(one.remembered)

    def _remember(self, one: Remembered) -> None:
        self._remembered[one.request_id] = one
        while True:
            oldest = next(iter(self._remembered.values()))
            if len(self._remembered) <= REMEMBERED_MAX and one.time_ms - oldest.time_ms <= REMEMBERED_MS:
                return
            del self._remembered[oldest.request_id]


def _is_urgent(item: _Item) -> bool:
    ticket, record = item
    return ticket > 0 or (isinstance(record, tuple) and any(one.electorate is not None for one in record))
