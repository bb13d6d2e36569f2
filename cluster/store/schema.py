"""The tables of a store and what a row's checksum covers. One SQLite file, readable by root only.

An append writes one `log` row and nothing else. `tree` rows point into the log for their content while that log row
lives; `content` holds what came with a snapshot or outlived its log row. `header` is one row with everything else that
must be true at once: who this is, what it promised, where the log begins and how far the tree has been kept.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from cluster.core.messages import Point
from cluster.core.snapshot import Remembered
from cluster.core.tree import Entry as TreeEntry
from cluster.errors import StoreDamaged, StoreTooNew, Unavailable

APPLICATION_ID = 0x51756972
FORMAT = 1
BUSY_TIMEOUT_S = 10.0
CHECKSUM_BYTES = 16
PAGE_BYTES = 512  # the least SQLite has: a change goes to its log in whole pages
NOTHING = b"\0" * CHECKSUM_BYTES

TABLES = """
CREATE TABLE header (id INTEGER PRIMARY KEY CHECK (id = 1), body BLOB NOT NULL, checksum BLOB NOT NULL) STRICT;
CREATE TABLE log (idx INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE tree (
    inode INTEGER PRIMARY KEY, parent INTEGER NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
    writer INTEGER NOT NULL, mtime_s INTEGER NOT NULL, is_dir INTEGER NOT NULL, content_version INTEGER NOT NULL,
    log_idx INTEGER, operation INTEGER, size INTEGER NOT NULL, checksum BLOB NOT NULL) STRICT;
CREATE TABLE content (version INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE remembered (
    idx INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, request_id TEXT NOT NULL, errno INTEGER NOT NULL,
    message TEXT NOT NULL, time_ms INTEGER NOT NULL, checksum BLOB NOT NULL) STRICT;
CREATE TABLE history (
    idx INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, hash BLOB NOT NULL, time_ms INTEGER NOT NULL, user TEXT NOT NULL,
    door TEXT NOT NULL, node_id INTEGER NOT NULL, paths BLOB NOT NULL) STRICT;
CREATE TABLE conflicts (
    id INTEGER PRIMARY KEY, time_s INTEGER NOT NULL, idx INTEGER NOT NULL, epoch INTEGER NOT NULL, hash BLOB NOT NULL,
    body BLOB NOT NULL) STRICT;
"""
# What a change overwrote or removed where no log row holds it: for the history alone. A directory has no data, nor has
# a file whose content had to make room.
PAST = """
CREATE TABLE IF NOT EXISTS past (
    idx INTEGER NOT NULL, path TEXT NOT NULL, is_dir INTEGER NOT NULL, data BLOB, checksum BLOB NOT NULL,
    PRIMARY KEY (idx, path)) STRICT;
"""


class Header(msgspec.Struct, array_like=True):
    """`base` is the point before the first log row; `kept` is the point the tree tables stand at. `rows_sum` is the
    exclusive or of the checksums of all tree and remembered rows, so that a vanished row is noticed."""

    uuid: str
    node_id: int
    blank: bool
    promised: int
    base: Point
    kept: Point
    version: int
    mtime_s: int
    writer: int
    electorate: dict[int, int]
    rows_sum: bytes = NOTHING


# --- opening ----------------------------------------------------------------------------------------------------------


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection without hidden transactions. Raises `Unavailable` or `StoreDamaged`."""
    uri = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rw'}"
    with told(path):
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        if not read_only:
            try:
                connection.execute("PRAGMA synchronous = FULL")
            except BaseException:
                connection.close()
                raise
    return connection


@contextmanager
def told(path: Path) -> Iterator[None]:
    """What SQLite or the system says of a store, in our own errors."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite's own words may be what is damaged
        raise what_is_wrong(error, path) from None
    except OSError as error:
        raise Unavailable(f"The store {path} cannot be used: {error.strerror}.") from None


def what_is_wrong(error: Exception, path: Path) -> Unavailable:
    """Is the file damaged, or does the system not let us at it?"""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    refused = isinstance(error, sqlite3.OperationalError) and code & 0xFF != sqlite3.SQLITE_ERROR
    if refused and code not in (sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS):
        return Unavailable(f"The store {path} cannot be used: {error}.")
    return StoreDamaged(f"The store {path} is damaged: {error}.")


def make(path: Path) -> None:
    """Make an empty file with the tables, readable by root only, in place of any that is there."""
    for name in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        name.unlink(missing_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(connect(path)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.executescript(f"BEGIN; {TABLES} {PAST} COMMIT;")


def check_format(connection: sqlite3.Connection, path: Path) -> None:
    """Raises `StoreDamaged` for a file that is not a store, or one of a later format."""
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id != APPLICATION_ID:
        raise StoreDamaged(f"{path} is not a store.")
    if version != FORMAT:
        raise StoreTooNew(f"The store {path} has format {version}; this version of Quire reads format {FORMAT}.")


# --- the header and the checksums -------------------------------------------------------------------------------------

_decode_header = msgspec.msgpack.Decoder(Header).decode


def read_header(connection: sqlite3.Connection) -> Header:
    """Raises `StoreDamaged`."""
    row = connection.execute("SELECT body, checksum FROM header WHERE id = 1").fetchone()
    if row is None or digest(row[0]) != row[1]:
        raise StoreDamaged("The store's header does not have its checksum.")
    try:
        return _decode_header(row[0])
    except (msgspec.DecodeError, ValueError) as error:
        raise StoreDamaged(f"The store's header cannot be read: {error}.") from None


def write_header(connection: sqlite3.Connection, header: Header) -> None:
    body = msgspec.msgpack.encode(header)
    connection.execute("INSERT OR REPLACE INTO header VALUES (1, ?, ?)", (body, digest(body)))


def digest(*parts: bytes) -> bytes:
    summary = hashlib.blake2b(digest_size=CHECKSUM_BYTES)
    for part in parts:
        summary.update(part)
    return summary.digest()


def tree_checksum(entry: TreeEntry) -> bytes:
    """Covers the row and the content it points to, wherever that is."""
    told = (
        entry.inode, entry.parent, entry.name, entry.version, entry.writer, entry.mtime_s, entry.is_dir,
        entry.content_version,
    )  # fmt: skip
    return digest(msgspec.msgpack.encode(told), entry.data or b"")


def remembered_checksum(one: Remembered) -> bytes:
    told = (one.index, one.epoch, one.request_id, one.errno, one.message, one.time_ms)
    return digest(msgspec.msgpack.encode(told))


def xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(CHECKSUM_BYTES, "big")
