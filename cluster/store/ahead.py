"""The write-ahead log of a store: given its length before the first change, and emptied when it has come to that.

SQLite would empty it inside the commit that makes it too long, which somebody waits for, and would keep quiet about a
disk that is full. What is written is `writer.py`'s.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
from pathlib import Path

LOG_FILE_BYTES = 4_200_000  # what it comes to before its pages are moved to their places
FRAME_HEAD_BYTES = 24  # before every page in it
FRAMES_AT, FRAMES_BYTES = 16, 4  # in its index: how many pages it holds (`mxFrame`)
CACHE_SIZE = -2000  # KiB, as SQLite has it

log = logging.getLogger(__name__)


class Ahead:
    """The log behind one writing connection, which must be in WAL mode already. For that connection's thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._index = path.with_name(path.name + "-shm")
        page_bytes = int(connection.execute("PRAGMA page_size").fetchone()[0])
        self._frames_max = LOG_FILE_BYTES // (page_bytes + FRAME_HEAD_BYTES)
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        self._stretch()

    def tidy(self) -> None:
        """Move the pages to their places when there are many, waiting for no reader. Raises sqlite3.Error, OSError."""
        if self._frames() >= self._frames_max:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _frames(self) -> int:
        with self._index.open("rb", buffering=0) as index:
            return int.from_bytes(os.pread(index.fileno(), FRAMES_BYTES, FRAMES_AT), sys.byteorder)

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
