"""Reads a store back and trusts nothing: hash chain, checksums, counts and the shape of the tree are all verified.

Content is taken from the log row a tree row points to, or from `content`. Only reads; what is wrong is one sentence in
a `StoreDamaged`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from cluster.core.log import Entry, chained
from cluster.core.machine import Durable
from cluster.core.messages import Point
from cluster.core.operations import Command, Write, decode_body
from cluster.core.snapshot import Remembered, Snapshot
from cluster.core.tree import Entry as TreeEntry
from cluster.core.tree import Tree
from cluster.errors import StoreDamaged, StoreRefusal
from cluster.store.schema import (
    NOTHING,
    Header,
    check_format,
    connect,
    read_header,
    remembered_checksum,
    tree_checksum,
    what_is_wrong,
    xor,
)

Place = tuple[int, int]  # log index, number of the operation in the command there


def load(path: Path) -> tuple[Durable, Header]:
    """Everything a replica needs. Raises `StoreDamaged`, or `Unavailable` when the file cannot be read at all."""
    connection = connect(path, read_only=True)
    try:
        connection.execute("BEGIN")
        check_format(connection, path)
        _check_pages(connection)
        return _load(connection)
    except (sqlite3.Error, UnicodeDecodeError, ValueError, TypeError, OverflowError) as error:
        raise what_is_wrong(error, path) from None
    finally:
        connection.close()


def _check_pages(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StoreDamaged(f"The store's file is damaged: {found}.")


def _load(connection: sqlite3.Connection) -> tuple[Durable, Header]:
    header = read_header(connection)
    places = {
        (index, operation)
        for index, operation in connection.execute(
            "SELECT log_idx, operation FROM tree WHERE log_idx IS NOT NULL AND is_dir = 0"
        )
    }
    suffix, contents = _read_log(connection, header, places)
    rows_sum, entries = _read_tree(connection, contents)
    remembered = tuple(read_remembered(connection))
    for one in remembered:
        rows_sum = xor(rows_sum, remembered_checksum(one))
    if rows_sum != header.rows_sum:
        raise StoreDamaged("Rows of the store are missing.")
    try:
        Tree.from_entries(entries, header.version)
    except StoreRefusal as refusal:
        raise StoreDamaged(f"The tree is not whole: {refusal.message}.") from None
    snapshot = Snapshot(
        header.kept, header.version, header.mtime_s, entries, dict(header.electorate), remembered, header.writer
    )
    return Durable(header.uuid, header.node_id, header.blank, header.promised, snapshot, suffix), header


def read_log(connection: sqlite3.Connection, after: int, until: int | None = None) -> Iterator[Entry]:
    """Log entries with `after` < index ≤ `until`, oldest first, as they are stored."""
    rows = connection.execute(
        "SELECT idx, epoch, hash, body FROM log WHERE idx > ? AND idx <= ? ORDER BY idx",
        (after, until if until is not None else (1 << 63) - 1),
    )
    for index, epoch, hashed, body in rows:
        yield Entry(Point(epoch, index, hashed), body)


def last_point(connection: sqlite3.Connection, header: Header) -> Point:
    """Where the log ends."""
    row = connection.execute("SELECT epoch, idx, hash FROM log ORDER BY idx DESC LIMIT 1").fetchone()
    return Point(*row) if row is not None else header.base


def verified_body(connection: sqlite3.Connection, index: int) -> bytes | None:
    """One log entry's body, with the link of the chain that leads to it; None when it is not held. Raises
    StoreDamaged."""
    entry = next(read_log(connection, index - 1, index), None)
    if entry is None:
        return None
    row = connection.execute("SELECT epoch, idx, hash FROM log WHERE idx = ?", (index - 1,)).fetchone()
    before = Point(*row) if row is not None else read_header(connection).base
    if chained(before, entry.point.epoch, entry.body).point != entry.point:
        raise StoreDamaged(f"Log entry {index} does not follow the one before it.")
    return entry.body


def _read_log(
    connection: sqlite3.Connection, header: Header, places: set[Place]
) -> tuple[tuple[Entry, ...], dict[Place, bytes]]:
    """Verify the chain; returns the entries that are not kept yet, and the contents asked for."""
    before = header.base
    kept_found = header.kept == header.base
    wanted = {index for index, _ in places}
    suffix: list[Entry] = []
    contents: dict[Place, bytes] = {}
    for entry in read_log(connection, header.base.index):
        if chained(before, entry.point.epoch, entry.body).point != entry.point or entry.point.epoch < before.epoch:
            raise StoreDamaged(f"Log entry {entry.point.index} does not follow the one before it.")
        before = entry.point
        if entry.point.index in wanted:
            contents.update(contents_of(entry.point.index, entry.body))
        if entry.point.index > header.kept.index:
            suffix.append(entry)
        kept_found = kept_found or entry.point == header.kept
    if not kept_found:
        raise StoreDamaged(f"The log does not reach entry {header.kept.index}, which the tree was kept at.")
    return tuple(suffix), contents


def contents_of(index: int, body: bytes) -> dict[Place, bytes]:
    """What the writes in a log entry wrote, by place."""
    try:
        command = decode_body(body)
    except (msgspec.DecodeError, ValueError):
        return {}
    operations = command.operations if isinstance(command, Command) else ()
    return {(index, number): one.data for number, one in enumerate(operations) if isinstance(one, Write)}


TREE_ROWS = (
    "SELECT inode, parent, name, tree.version, writer, mtime_s, is_dir, content_version, log_idx, operation, size,"
    " checksum, data FROM tree LEFT JOIN content ON content.version = content_version AND log_idx IS NULL"
    " WHERE inode > ? ORDER BY inode LIMIT ?"
)


def _read_tree(connection: sqlite3.Connection, contents: dict[Place, bytes]) -> tuple[bytes, tuple[TreeEntry, ...]]:
    rows_sum = NOTHING
    entries: list[TreeEntry] = []
    for row in connection.execute(TREE_ROWS, (-1, -1)):
        entry, checksum = verified_entry(row, contents.get)
        rows_sum = xor(rows_sum, checksum)
        entries.append(entry)
    return rows_sum, tuple(entries)


def verified_entry(row: tuple[Any, ...], logged: Callable[[Place], bytes | None]) -> tuple[TreeEntry, bytes]:
    """A row of `TREE_ROWS` as an entry, with its checksum; `logged` gives a content that is in the log. Raises
    StoreDamaged."""
    inode, parent, name, version, writer, mtime_s, is_dir, content_version, index, operation, size, checksum, data = row
    if is_dir:
        data = None
    elif index is not None:
        data = logged((index, operation))
    if not is_dir and data is None:
        raise StoreDamaged(f"The content of entry {inode} ({name}) is missing.")
    entry = TreeEntry(inode, parent, name, version, writer, mtime_s, data, content_version)
    if tree_checksum(entry) != checksum or size != entry.size:
        raise StoreDamaged(f"Entry {inode} ({name}) does not have its checksum.")
    return entry, checksum


def read_remembered(connection: sqlite3.Connection) -> Iterator[Remembered]:
    """Outcomes remembered for retries, oldest first. Raises `StoreDamaged`."""
    rows = connection.execute(
        "SELECT request_id, epoch, idx, errno, message, time_ms, checksum FROM remembered ORDER BY idx"
    )
    for request_id, epoch, index, errno, message, time_ms, checksum in rows:
        one = Remembered(request_id, epoch, index, errno, message, time_ms)
        if remembered_checksum(one) != checksum:
            raise StoreDamaged(f"The remembered outcome of log entry {index} does not have its checksum.")
        yield one
