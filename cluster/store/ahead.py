"""The write-ahead log of a store: given its length before the first change, and emptied when it has come to that.

How many pages it holds is read from the file itself (sqlite.org/fileformat2.html, section 4). SQLite knows it from its
index, but a process that opens and closes that file gives up SQLite's locks on it.

SQLite would empty it inside the commit that makes it too long, which somebody waits for, and would keep quiet about a
disk that is full. What is written is `writer.py`'s.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path

LOG_FILE_BYTES = 4_200_000  # what it comes to before its pages are moved to their places
HEAD_BYTES, FRAME_HEAD_BYTES = 32, 24  # before all pages in it, and before each
SALT_BYTES, HEAD_SALT_AT, FRAME_SALT_AT = 8, 16, 8  # a page belongs to the log when it carries the log's salt
CACHE_SIZE = -2000  # KiB, as SQLite has it

log = logging.getLogger(__name__)


class Ahead:
    """The log behind one writing connection, which must be in WAL mode already. For that connection's thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._file = path.with_name(path.name + "-wal")
        self._frame_bytes = int(connection.execute("PRAGMA page_size").fetchone()[0]) + FRAME_HEAD_BYTES
        self._frames_max = LOG_FILE_BYTES // self._frame_bytes
        self._salt, self._frames = b"", 0  # at the last count
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        self._stretch()

    def tidy(self) -> None:
        """Move the pages to their places when there are many, waiting for no reader. Raises sqlite3.Error, OSError."""
        if self._count() >= self._frames_max:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _count(self) -> int:
        with self._file.open("rb", buffering=0) as file:

            def salt_at(offset: int) -> bytes:
                return os.pread(file.fileno(), SALT_BYTES, offset)

            if (salt := salt_at(HEAD_SALT_AT)) != self._salt:
                self._salt, self._frames = salt, 0
            while salt and salt_at(HEAD_BYTES + self._frames * self._frame_bytes + FRAME_SALT_AT) == salt:
                self._frames += 1
        return self._frames

    def _stretch(self) -> None:
        """While a file grows, each flush also writes the file system's own journal: three times the bytes, and longer.
        Pages that outgrow SQLite's cache are written to the log even if they are then taken back, so nothing stays."""
        connection = self._connection
        try:
            connection.execute("PRAGMA cache_size = 10")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TABLE stretch (room BLOB) STRICT")
            connection.execute("INSERT INTO stretch VALUES (zeroblob(?))", (LOG_FILE_BYTES,))
        except sqlite3.OperationalError as error:
            log.debug("The write-ahead log could not be stretched: %s", error)  # told at the first write
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            connection.execute(f"PRAGMA cache_size = {CACHE_SIZE}")
