"""What a change overwrote or removed, where no log entry holds it: the contents that came with a snapshot or outlived
their log entry. For the history (`history.py`) alone; bounded, and forgotten together with the log.

Called by `records.py` inside its transactions. Knows nothing of what a change means.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Protocol

from cluster.core.tree import Applied, Entry
from cluster.store.schema import PAST, digest

PAST_BYTES_MAX = 32 << 20


class Placed(Protocol):
    """A tree row that waits to be written: the entry, and the log entry with its content, if one has it."""

    entry: Entry
    log_idx: int | None


class Past:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        columns = {row[1] for row in connection.execute("PRAGMA table_info(past)")}
        if columns and "checksum" not in columns:  # of an earlier version: it can be done without
            connection.execute("DROP TABLE past")
        connection.execute(PAST)
        self._bytes = self._counted()

    def keep(self, index: int, applied: Applied, rows: Mapping[int, Placed | None]) -> int:
        """Keep what change `index` replaces and only the tree holds; `rows` is what the tree table does not have yet.
        Returns how many bytes."""
        after = {entry.inode: entry.content_version for entry in applied.entries}
        kept = 0
        for old in applied.before:
            if after.get(old.inode) == old.content_version or self._is_logged(old, rows):
                continue
            path = self._path(old, rows)
            row = (index, path, int(old.is_dir), old.data, past_checksum(index, path, old.data or b""))
            self._db.execute("INSERT OR REPLACE INTO past VALUES (?, ?, ?, ?, ?)", row)
            kept += old.size
        self._bytes += kept
        while self._bytes > PAST_BYTES_MAX:
            self._make_room()
        return kept

    def _make_room(self) -> None:
        """The oldest content goes; that there was something is still known."""
        row, size = self._db.execute(
            "SELECT rowid, length(data) FROM past WHERE length(data) > 0 ORDER BY idx LIMIT 1"
        ).fetchone()
        self._db.execute("UPDATE past SET data = NULL WHERE rowid = ?", (row,))
        self._bytes -= size

    def forget(self, until: int | None = None) -> None:
        """All of it, or what changes up to this index replaced."""
        if until is None:
            self._db.execute("DELETE FROM past")
        else:
            self._db.execute("DELETE FROM past WHERE idx <= ?", (until,))
        self._bytes = self._counted()

    def _counted(self) -> int:
        return int(self._db.execute("SELECT total(length(data)) FROM past").fetchone()[0])

    def _is_logged(self, old: Entry, rows: Mapping[int, Placed | None]) -> bool:
        if old.is_dir:
            return False
        row = rows.get(old.inode)
        if row is not None:
            return row.log_idx is not None
        known = self._db.execute("SELECT log_idx FROM tree WHERE inode = ?", (old.inode,)).fetchone()
        return known is None or known[0] is not None

    def _path(self, entry: Entry, rows: Mapping[int, Placed | None]) -> str:
        names, inode = [entry.name], entry.parent
        while inode:
            row = rows.get(inode)
            if row is not None:
                name, inode = row.entry.name, row.entry.parent
            else:
                name, inode = self._db.execute("SELECT name, parent FROM tree WHERE inode = ?", (inode,)).fetchone()
            names.append(name)
        return "/".join(reversed(names))


def past_checksum(index: int, path: str, data: bytes) -> bytes:
    """Covers what a row says was at `path` before change `index`."""
    return digest(f"{index} {path}".encode(), data)
