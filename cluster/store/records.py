"""What each record does to the tables, inside a transaction that somebody else begins and ends.

`keep` joins several committed entries into the few rows that differ in the end. It knows nothing of threads, fsync or
batches (`writer.py`) and decides nothing: what may be appended, dropped or kept is the replica's word.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from cluster.core.effects import AppendRecord, Committed, InstallRecord, PromiseRecord
from cluster.core.log import Entry
from cluster.core.machine import REMEMBERED_MAX, REMEMBERED_MS
from cluster.core.messages import Point
from cluster.core.snapshot import Remembered, Snapshot
from cluster.core.tree import Entry as TreeEntry
from cluster.errors import StoreDamaged
from cluster.store import conflicts
from cluster.store.base import KEEP_LOG_BYTES, KEEP_LOG_ENTRIES, Counters, Record
from cluster.store.load import contents_of, last_point, read_log
from cluster.store.past import Past
from cluster.store.schema import NOTHING, Header, read_header, remembered_checksum, tree_checksum, write_header, xor

HISTORY_ROWS_MAX = 100_000
TRIM_SLICE_BYTES = 2 << 20
TRIM_SLICE_ENTRIES = 2_000


@dataclass(slots=True)
class Row:
    """A tree row: the entry, and where its content is when it is in the log."""

    entry: TreeEntry
    log_idx: int | None
    operation: int | None


class Records:
    """The tables behind one writing connection. The header is held here and written once per transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.header: Header = read_header(connection)
        self._header_changed = False
        self.last = last_point(connection, self.header)
        self.log_bytes = int(connection.execute("SELECT total(length(body)) FROM log").fetchone()[0])
        self.counters = Counters()
        self._remembered_rows: int = connection.execute("SELECT count(*) FROM remembered").fetchone()[0]
        self._past = Past(connection)

    def finish(self) -> None:
        """Last thing in a transaction: the header, if something in it changed."""
        if self._header_changed:
            write_header(self._db, self.header)
            self._header_changed = False
            self.counters.rows += 1

    # --- what the replica persists ----------------------------------------------------------------------------------

    def persist(self, record: Record) -> None:
        if isinstance(record, PromiseRecord):
            self._promise(record.epoch)
        elif isinstance(record, AppendRecord):
            self._append(record.entries)
        else:
            self._install(record)

    def _promise(self, epoch: int) -> None:
        self.header.promised = max(self.header.promised, epoch)
        self._header_changed = True

    def _append(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            point = entry.point
            if point.index != self.last.index + 1:
                raise StoreDamaged(f"Log entry {point.index} cannot follow entry {self.last.index}.")
            self._db.execute("INSERT INTO log VALUES (?, ?, ?, ?)", (point.index, point.epoch, point.hash, entry.body))
            self.last = point
            self.log_bytes += len(entry.body)
            self._count(len(entry.body))

    def _install(self, record: InstallRecord) -> None:
        self._journal(record.dropped)
        if record.snapshot is not None:
            self.replace_all(record.snapshot)
        else:
            if record.keep_index < self.header.kept.index:
                raise StoreDamaged(f"The log cannot end at {record.keep_index}: more is committed.")
            self._drop_after(record.keep_index)
        self._append(record.entries)
        self._promise(record.epoch)
        self.header.blank = False

    def _drop_after(self, index: int) -> None:
        size = self._db.execute("SELECT total(length(body)) FROM log WHERE idx > ?", (index,)).fetchone()[0]
        self._db.execute("DELETE FROM log WHERE idx > ?", (index,))
        self.log_bytes -= int(size)
        self.last = last_point(self._db, self.header)

    def _journal(self, dropped: Iterable[Entry]) -> None:
        for size in conflicts.journal(self._db, dropped, int(time.time())):
            self._count(size)

    def replace_all(self, snapshot: Snapshot) -> None:
        """The store becomes this snapshot, with an empty log that begins at its point."""
        for table in ("log", "tree", "content", "remembered"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the line above
        self._past.forget()
        self.last, self.log_bytes, self._remembered_rows = snapshot.point, 0, 0
        header = self.header
        header.base = header.kept = snapshot.point
        header.version, header.mtime_s, header.writer = snapshot.version, snapshot.mtime_s, snapshot.writer
        header.electorate, header.rows_sum = dict(snapshot.electorate), NOTHING
        self._header_changed = True
        for entry in snapshot.entries:
            self._put(Row(entry, None, None))
            if entry.data is not None:
                self._db.execute("INSERT INTO content VALUES (?, ?)", (entry.content_version, entry.data))
                self._count(len(entry.data))
        for one in snapshot.remembered:
            self._remember(one)

    # --- what committed entries did ---------------------------------------------------------------------------------

    def keep(self, committed: Iterable[Committed]) -> None:
        """Bring the tree tables up to the last of these entries, which follow what is kept."""
        rows: dict[int, Row | None] = {}
        for one in committed:
            header = self.header
            if one.point.index <= header.kept.index:
                raise StoreDamaged(f"Entry {one.point.index} is kept already.")
            if one.applied is not None:
                self.counters.bytes += self._past.keep(one.point.index, one.applied, rows)
                for entry in one.applied.entries:
                    rows[entry.inode] = self._placed(entry, rows.get(entry.inode), one.point.index)
                rows.update(dict.fromkeys(one.applied.removed))
                self._tell(one)
            if one.version != header.version:
                header.version, header.mtime_s, header.writer = one.version, one.time_ms // 1000, one.node_id
            if one.electorate is not None:
                header.electorate = dict(one.electorate)
            if one.remembered is not None:
                self._remember(one.remembered)
            header.kept = one.point
            self._header_changed = True
        for inode, row in rows.items():
            self._take_out(inode, row.entry.content_version if row is not None else 0)
            if row is not None:
                self._put(row)

    def _placed(self, entry: TreeEntry, latest: Row | None, index: int) -> Row:
        """Where this entry's content is: where it was, or in the log entry that wrote it just now."""
        if entry.data is None:
            return Row(entry, None, None)
        if latest is not None and latest.entry.content_version == entry.content_version:
            return Row(entry, latest.log_idx, latest.operation)
        known = self._db.execute(
            "SELECT log_idx, operation FROM tree WHERE inode = ? AND content_version = ?",
            (entry.inode, entry.content_version),
        ).fetchone()
        if known is not None:
            return Row(entry, *known)
        for logged in read_log(self._db, index - 1, index):
            for (_, operation), data in contents_of(index, logged.body).items():
                if data == entry.data:
                    return Row(entry, index, operation)
        raise StoreDamaged(f"Log entry {index} does not hold the content of {entry.name}.")

    def _put(self, row: Row) -> None:
        entry, checksum = row.entry, tree_checksum(row.entry)
        self._db.execute(
            "INSERT INTO tree VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.inode, entry.parent, entry.name, entry.version, entry.writer, entry.mtime_s, int(entry.is_dir),
                entry.content_version, row.log_idx, row.operation, entry.size, checksum,
            ),
        )  # fmt: skip
        self.header.rows_sum = xor(self.header.rows_sum, checksum)
        self._count(0)

    def _take_out(self, inode: int, content_version: int) -> None:
        """Remove a tree row, and its content unless that of `content_version` stays in use."""
        old = self._db.execute(
            "SELECT content_version, log_idx, checksum FROM tree WHERE inode = ?", (inode,)
        ).fetchone()
        if old is None:
            return
        self._db.execute("DELETE FROM tree WHERE inode = ?", (inode,))
        self.header.rows_sum = xor(self.header.rows_sum, old[2])
        if old[1] is None and old[0] != content_version:
            self._db.execute("DELETE FROM content WHERE version = ?", (old[0],))

    def _remember(self, one: Remembered) -> None:
        """As `Machine` does it, row for row: what is remembered must be the same on every node, always."""
        checksum = remembered_checksum(one)
        row = (one.index, one.epoch, one.request_id, one.errno, one.message, one.time_ms, checksum)
        self._db.execute("INSERT INTO remembered VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        self.header.rows_sum = xor(self.header.rows_sum, checksum)
        self._remembered_rows += 1
        self._count(0)
        while True:
            index, time_ms, old = self._db.execute(
                "SELECT idx, time_ms, checksum FROM remembered ORDER BY idx LIMIT 1"
            ).fetchone()
            if self._remembered_rows <= REMEMBERED_MAX and one.time_ms - time_ms <= REMEMBERED_MS:
                return
            self._db.execute("DELETE FROM remembered WHERE idx = ?", (index,))
            self.header.rows_sum = xor(self.header.rows_sum, old)
            self._remembered_rows -= 1

    def _tell(self, one: Committed) -> None:
        if one.applied is None or not one.applied.paths:
            return
        point, paths = one.point, msgspec.msgpack.encode([(change.path, change.kind) for change in one.applied.paths])
        self._db.execute(
            "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (point.index, point.epoch, point.hash, one.time_ms, one.user, one.door, one.node_id, paths),
        )
        self._db.execute("DELETE FROM history WHERE idx <= ?", (point.index - HISTORY_ROWS_MAX,))
        self._count(len(paths))

    def _count(self, size: int) -> None:
        self.counters.rows += 1
        self.counters.bytes += size

    # --- forgetting -------------------------------------------------------------------------------------------------

    def is_long(self) -> bool:
        """Is there enough to forget that it is worth the work?"""
        entries = self.header.kept.index - self.header.base.index
        return self.log_bytes > KEEP_LOG_BYTES + TRIM_SLICE_BYTES or entries > KEEP_LOG_ENTRIES + TRIM_SLICE_ENTRIES

    def exceeds(self, keep_bytes: int, keep_entries: int) -> bool:
        return self.log_bytes > keep_bytes or self.last.index - self.header.base.index > keep_entries

    def trim(self, keep_bytes: int, keep_entries: int) -> bool:
        """Forget a slice of what is beyond the budgets; returns whether there is more to forget."""
        end, size = self._trim_end(keep_bytes, keep_entries)
        if end is None:
            return False
        self._move_contents(end.index)
        self._db.execute("DELETE FROM log WHERE idx <= ?", (end.index,))
        self._past.forget(end.index)
        self.header.base = end
        self._header_changed = True
        self.log_bytes -= size
        return self._trim_end(keep_bytes, keep_entries)[0] is not None

    def _trim_end(self, keep_bytes: int, keep_entries: int) -> tuple[Point | None, int]:
        end, size, base = None, 0, self.header.base.index
        if not self.exceeds(keep_bytes, keep_entries):
            return None, 0
        for entry in read_log(self._db, base, self.header.kept.index):
            left_bytes, left_entries = self.log_bytes - size, self.last.index - entry.point.index + 1
            if (left_bytes <= keep_bytes and left_entries <= keep_entries) or size > TRIM_SLICE_BYTES:
                break
            end, size = entry.point, size + len(entry.body)
        return end, size

    def _move_contents(self, until: int) -> None:
        """What the tree still points to in the log up to here gets a place of its own."""
        rows = self._db.execute(
            "SELECT tree.inode, content_version, idx, operation, body FROM tree JOIN log ON idx = log_idx"
            " WHERE log_idx <= ?",
            (until,),
        ).fetchall()
        for inode, version, index, operation, body in rows:
            data = contents_of(index, body)[index, operation]
            self._db.execute("INSERT INTO content VALUES (?, ?)", (version, data))
            self._db.execute("UPDATE tree SET log_idx = NULL, operation = NULL WHERE inode = ?", (inode,))
            self._count(len(data))

    # --- another lineage --------------------------------------------------------------------------------------------

    def become(self, uuid: str, node_id: int, snapshot: Snapshot, *, blank: bool, dropped: Iterable[Entry]) -> None:
        """The store belongs to another lineage, and begins as this snapshot."""
        self._journal(dropped)
        self.replace_all(snapshot)
        self._db.execute("DELETE FROM history")
        header = self.header
        self.header = Header(
            uuid, node_id, blank, 0, header.base, header.kept, header.version, header.mtime_s, header.writer,
            header.electorate, header.rows_sum,
        )  # fmt: skip
        self._header_changed = True


def renumbered(snapshot: Snapshot, point: Point, electorate: dict[int, int]) -> Snapshot:
    """The same tree at the beginning of another log; outcomes remembered for the old one mean nothing there."""
    return replace(snapshot, point=point, electorate=electorate, remembered=())
