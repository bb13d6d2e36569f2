"""A tree as Proxmox VE keeps it (`config.db`), out of a store and into one.

One SQLite table, a row per entry, and the root as the row `__version__` with inode 0. What comes in is judged by the
rules with which its own daemon opens such a file, and by the limits of this store; the first thing wrong is the reason.
Whose store it becomes is not decided here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from cluster.core.guests import KIND_OF_FOLDER
from cluster.core.snapshot import Snapshot
from cluster.core.tree import ENTRIES_MAX, FILE_SIZE_MAX, NAME_BYTES_MAX, TREE_SIZE_MAX, Entry, Tree
from cluster.errors import InvalidInput, StoreRefusal, Unavailable
from cluster.store import schema
from cluster.store.base import first_point
from cluster.store.records import Records

DIRECTORY, FILE = 4, 8
ROOT_NAME = b"__version__"
CONFIGURATION, SET_ASIDE = "corosync.conf", "corosync.conf.imported"
_COLUMNS = ("parent", "version", "writer", "mtime", "type")
TABLE = (
    "CREATE TABLE tree (inode INTEGER PRIMARY KEY NOT NULL, "
    + ", ".join(f"{name} INTEGER NOT NULL CHECK(typeof({name})=='integer')" for name in _COLUMNS)
    + ", name TEXT NOT NULL, data BLOB)"
)


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a `config.db` holds: every entry but the root, and the root's own figures."""

    entries: tuple[Entry, ...]
    version: int
    mtime_s: int
    writer: int


# --- out --------------------------------------------------------------------------------------------------------------


def write(path: Path, tree: Tree) -> None:
    """Make a `config.db`, readable by root only. `path` must not be there. Raises Unavailable."""
    root = tree.entries[0]
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA page_size = 4096")
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("BEGIN")
            connection.execute(TABLE)
            row = (0, 0, tree.version, root.writer, root.mtime_s, FILE, ROOT_NAME.decode(), None)
            connection.execute("INSERT INTO tree VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.executemany("INSERT INTO tree VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(_row, tree.walk()))
            connection.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise Unavailable(f"{path} cannot be written: {error}.") from None


def _row(entry: Entry) -> tuple[int, int, int, int, int, int, str, bytes | None]:
    kind = DIRECTORY if entry.is_dir else FILE
    return (
        entry.inode, entry.parent, entry.version, entry.writer, entry.mtime_s, kind, entry.name, entry.data or None,
    )  # fmt: skip


# --- in ---------------------------------------------------------------------------------------------------------------


def read(path: Path) -> Foreign:
    """Everything in a `config.db`. Raises InvalidInput with the first thing that is wrong, Unavailable."""
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            connection.text_factory = bytes
            rows = list(_rows(connection))
    except sqlite3.OperationalError as error:
        raise InvalidInput(f"The file is no config.db: {error}.") from None
    except sqlite3.DatabaseError as error:
        raise InvalidInput(f"The file is damaged, or no database: {error}.") from None
    root = next((one for one in rows if one.inode == 0), None)
    entries = tuple(one for one in rows if one.inode != 0)
    foreign = Foreign(entries, root.version, root.mtime_s, root.writer) if root else Foreign(entries, 1, 0, 0)
    _check_tree(foreign)
    # New inodes follow the version, so it must not be behind those that are there.
    return replace(foreign, version=max(1, foreign.version, *(one.inode for one in entries), 0))


def _rows(connection: sqlite3.Connection) -> Iterator[Entry]:
    rows = connection.execute("SELECT inode, parent, version, writer, mtime, type, name, data FROM tree ORDER BY inode")
    for inode, parent, version, writer, mtime, kind, raw, data in rows:
        where = f"The entry with inode {inode}"
        if not all(isinstance(number, int) for number in (inode, parent, version, writer, mtime, kind)):
            raise InvalidInput(f"{where} has something other than a number where there should be one.")
        if not raw or not isinstance(raw, bytes):
            raise InvalidInput(f"{where} has no name.")
        if inode == 0:
            if raw != ROOT_NAME:
                raise InvalidInput(f"{where} is not named {ROOT_NAME.decode()}.")
            yield Entry(0, 0, "", version, writer & 0xFFFFFFFF, mtime & 0xFFFFFFFF, None)
            continue
        name, kind = _name(raw, where), kind & 0xFF
        content = data if isinstance(data, bytes) else (b"" if data is None else str(data).encode())
        if kind not in (DIRECTORY, FILE):
            raise InvalidInput(f"{where} ({name}) is neither a file nor a directory: its type is {kind}.")
        if kind == DIRECTORY and content:
            raise InvalidInput(f"{where} ({name}) is a directory with content.")
        if len(content) > FILE_SIZE_MAX:
            raise InvalidInput(f"{where} ({name}) is larger than {FILE_SIZE_MAX} bytes.")
        if inode < 0 or version < 0 or parent < 0:
            raise InvalidInput(f"{where} ({name}) has a negative number.")
        yield Entry(
            inode, parent, name, version, writer & 0xFFFFFFFF, mtime & 0xFFFFFFFF,
            content if kind == FILE else None, inode if kind == FILE else 0,
        )  # fmt: skip


def _name(raw: bytes, where: str) -> str:
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{where} has a name that is not UTF-8: {raw[:64]!r}.") from None
    if "/" in name or "\0" in name or name in (".", "..") or len(raw) > NAME_BYTES_MAX:
        raise InvalidInput(f"{where} has a name that no file can have: {name[:64]!r}.")
    return name


def _check_tree(foreign: Foreign) -> None:
    by_inode = {one.inode: one for one in foreign.entries}
    seen: set[tuple[int, str]] = set()
    for one in foreign.entries:
        parent = by_inode.get(one.parent)
        if one.parent and (parent is None or not parent.is_dir):
            raise InvalidInput(f"{one.name} (inode {one.inode}) lies in {one.parent}, which is not a directory there.")
        if (one.parent, one.name) in seen:
            raise InvalidInput(f"There are two entries named {one.name} in one directory.")
        seen.add((one.parent, one.name))
    if len(foreign.entries) >= ENTRIES_MAX or sum(one.size for one in foreign.entries) > TREE_SIZE_MAX:
        raise InvalidInput(f"It holds more than {ENTRIES_MAX} entries, or more than {TREE_SIZE_MAX >> 20} MiB.")
    try:
        tree = Tree.from_entries(foreign.entries, foreign.version)
    except StoreRefusal as refusal:
        raise InvalidInput(f"The entries make no tree: {refusal.message}.") from None
    _check_guests(tree)


def _check_guests(tree: Tree) -> None:
    """That no guest's id is there twice, the tree has seen to."""
    for node in tree.listing("nodes") or ():
        for folder in KIND_OF_FOLDER if node.is_dir else ():
            path = f"nodes/{node.name}/{folder}"
            found = tree.find(path)
            if found is not None and not found.is_dir:
                raise InvalidInput(f"{path} is a file; it must be a directory.")


def as_store(path: Path, foreign: Foreign, uuid: str) -> tuple[str, ...]:
    """Make a stand-alone node's store, a new lineage that begins as this tree, at `path`; returns what to know.

    A corosync.conf would make the node a member of a cluster it has no keys of: it is set aside under another name.
    """
    entries, notes = foreign.entries, []
    if any(one.name == CONFIGURATION and not one.parent for one in entries):
        if any(one.name == SET_ASIDE and not one.parent for one in entries):
            raise InvalidInput(f"It holds both {CONFIGURATION} and {SET_ASIDE}.")
        entries = tuple(
            replace(one, name=SET_ASIDE) if one.name == CONFIGURATION and not one.parent else one for one in entries
        )
        notes.append(f"{CONFIGURATION} is kept as {SET_ASIDE}: this node stands alone.")
    begin = first_point(uuid)
    schema.make(path)
    header = schema.Header(uuid, 0, False, 0, begin, begin, 1, 0, 0, {0: 1})
    with closing(schema.connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        schema.write_header(connection, header)
        records = Records(connection)
        snapshot = Snapshot(begin, foreign.version, foreign.mtime_s, entries, {0: 1}, (), foreign.writer)
        records.become(uuid, 0, snapshot, blank=False, dropped=())
        records.finish()
        connection.execute("COMMIT")
    return tuple(notes)
