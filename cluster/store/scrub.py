"""Reads a store that is in use again, bit by bit, and compares it with its checksums and with what is in memory.

Each slice is a short reading transaction of its own, so that writing goes on beside it; nothing is written. What was
replaced between two slices is begun again. One pass is `Scrub(...)` and `next_slice()` until it returns False; when to
do that, and what a finding means, is `cluster/node/scrubbing.py`.
"""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from cluster.core.log import chained
from cluster.core.messages import Point
from cluster.core.tree import Entry as TreeEntry
from cluster.errors import StoreDamaged
from cluster.store.load import TREE_ROWS, contents_of, last_point, read_log, read_remembered, verified_entry
from cluster.store.schema import NOTHING, check_format, connect, read_header, what_is_wrong, xor

SLICE_ROWS = 200
SLICE_BYTES = 1 << 20
DROP_TIMEOUT_S = 10.0
AGAIN_MAX = 5  # as often may the log be replaced under a pass

Memory = Callable[[int], TreeEntry | None]


class Scrub:
    """`findings` are sentences, `rows` what was read so far. `memory` gives the entry in use with an inode."""

    def __init__(self, path: Path, memory: Memory) -> None:
        self.rows = 0
        self.findings: list[str] = []
        self._path, self._memory = path, memory
        self._work = self._pass()

    def next_slice(self) -> bool:
        """Read a little more; False when all was read, or something was found. Raises Unavailable."""
        try:
            return next(self._work, False) is not False
        except StoreDamaged as error:
            self.findings.append(error.message)
        except (sqlite3.Error, UnicodeDecodeError, ValueError, TypeError, OverflowError) as error:
            wrong = what_is_wrong(error, self._path)
            if not isinstance(wrong, StoreDamaged):
                raise wrong from None
            self.findings.append(wrong.message)
        return False

    def _pass(self) -> Iterator[bool]:
        _drop_cached(self._path)
        with self._reading() as connection:
            check_format(connection, self._path)
            last = last_point(connection, read_header(connection)).index
            newest = connection.execute("SELECT max(inode) FROM tree").fetchone()[0]
        yield True
        yield from self._log(last)
        yield from self._tree(newest or 0)
        with self._reading() as connection:
            self._sum(connection)
        yield True
        with self._reading() as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreDamaged(f"The store's file is damaged: {found}.")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with closing(connect(self._path, read_only=True)) as connection:
            connection.execute("BEGIN")
            yield connection

    # --- the log ----------------------------------------------------------------------------------------------------

    def _log(self, last: int) -> Iterator[bool]:
        """As far as it reached when the pass began; what is written meanwhile is for the next one."""
        before: Point | None = None
        again = 0
        more = True
        while more:
            with self._reading() as connection:
                if before is None or not _holds(connection, before):  # its beginning was trimmed, or its end replaced
                    before, again = read_header(connection).base, again + 1
                if again > AGAIN_MAX:
                    return
                reached = self._chain(connection, before)
            more, before = before.index < reached.index < last, reached
            yield True

    def _chain(self, connection: sqlite3.Connection, before: Point) -> Point:
        """As many entries as make a slice; returns the last one."""
        size = 0
        for entry in read_log(connection, before.index, before.index + SLICE_ROWS):
            if chained(before, entry.point.epoch, entry.body).point != entry.point:
                raise StoreDamaged(f"Log entry {entry.point.index} does not follow the one before it.")
            before, self.rows, size = entry.point, self.rows + 1, size + len(entry.body)
            if size > SLICE_BYTES:
                break
        return before

    # --- the tree ---------------------------------------------------------------------------------------------------

    def _tree(self, newest: int) -> Iterator[bool]:
        after, more = -1, True
        while more:
            more = False
            with self._reading() as connection:
                for entry in self._entries(connection, after):
                    self._compare(entry)
                    after, more = entry.inode, entry.inode < newest
            yield True

    def _entries(self, connection: sqlite3.Connection, after: int) -> Iterator[TreeEntry]:
        def logged(place: tuple[int, int]) -> bytes | None:
            bodies = (entry.body for entry in read_log(connection, place[0] - 1, place[0]))
            return next((contents_of(place[0], body).get(place) for body in bodies), None)

        size = 0
        for row in connection.execute(TREE_ROWS, (after, SLICE_ROWS)):
            entry, _ = verified_entry(row, logged)
            self.rows, size = self.rows + 1, size + entry.size
            yield entry
            if size > SLICE_BYTES:
                return

    def _compare(self, entry: TreeEntry) -> None:
        """The disk follows what is in memory: where both have the same version, they have the same."""
        known = self._memory(entry.inode)
        if known is not None and known.version == entry.version and known != entry:
            raise StoreDamaged(f"Entry {entry.inode} ({entry.name}) is not what this node has in memory.")

    # --- what is left -----------------------------------------------------------------------------------------------

    def _sum(self, connection: sqlite3.Connection) -> None:
        total = NOTHING
        for (checksum,) in connection.execute("SELECT checksum FROM tree UNION ALL SELECT checksum FROM remembered"):
            total = xor(total, checksum)
        self.rows += sum(1 for _ in read_remembered(connection))
        if total != read_header(connection).rows_sum:
            raise StoreDamaged("Rows of the store are missing.")


def _holds(connection: sqlite3.Connection, point: Point) -> bool:
    row = connection.execute("SELECT epoch, hash FROM log WHERE idx = ?", (point.index,)).fetchone()
    return point == read_header(connection).base or row == (point.epoch, point.hash)


def _drop_cached(path: Path) -> None:
    """What is read is what is on the disk, not what the system remembers of it, where that can be had.

    Another process asks for it: this one, closing the file it has just opened, would give up SQLite's locks on it."""
    for name in (path, path.with_name(path.name + "-wal")):
        with suppress(OSError, subprocess.SubprocessError):
            argv = ["dd", f"if={name}", "iflag=nocache", "count=0", "status=none"]
            subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=DROP_TIMEOUT_S, check=False)
