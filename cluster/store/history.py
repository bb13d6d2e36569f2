"""The time machine: what the tree, or one path of it, was at an earlier revision, read from one node's store on disk.

Put together from the log (what each change did), `past` (what it overwrote that the log does not hold) and the tree as
kept; all three are one moment of the file. It goes back as far as the log does; older contents are plainly said to be
gone. Knows nothing of users and requests (`cluster/node/handlers/history.py`), and never writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from cluster.core.messages import Point
from cluster.core.operations import Command, Mkdir, Remove, Rename, Write, decode_body
from cluster.errors import NotFound, StoreDamaged, Unavailable
from cluster.store.base import Change
from cluster.store.load import TREE_ROWS, contents_of, verified_body, verified_entry
from cluster.store.past import past_checksum
from cluster.store.records import HISTORY_ROWS_MAX
from cluster.store.schema import connect, read_header

INDEX_MAX = (1 << 63) - 1

_decode_paths = msgspec.msgpack.Decoder(tuple[tuple[str, str], ...]).decode


@dataclass(frozen=True, slots=True)
class State:
    """What was at a path: a file with its content, a directory, or nothing."""

    kind: str  # file, dir, absent
    data: bytes | None = None


ABSENT, DIRECTORY = State("absent"), State("dir")


class NotHeld(NotFound):
    """That content is older than what this node keeps."""

    code = "not-held"


@contextmanager
def reading(path: Path) -> Iterator[History]:
    """The history as it is now; what is committed later is not seen. Raises Unavailable, StoreDamaged."""
    with closing(connect(path, read_only=True)) as connection:
        try:
            connection.execute("BEGIN")
            yield History(connection)
        except sqlite3.OperationalError as error:
            raise Unavailable(f"The store {path} cannot be read: {error}.") from None
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(f"The store {path} is damaged: {error}.") from None


class History:
    """`first` and `last` are the revisions between which contents can be told."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        header = read_header(connection)
        self.first, self.last = header.base, header.kept
        row = connection.execute(
            "SELECT epoch, idx, hash FROM log WHERE idx = ?", (self.last.index - HISTORY_ROWS_MAX,)
        ).fetchone()
        if row is not None:
            self.first = Point(*row)

    # --- the changes ------------------------------------------------------------------------------------------------

    def changes(self, path: str = "", limit: int = 100, before: int | None = None) -> tuple[Change, ...]:
        """Newest first: of `path` and what is below it, with an index less than `before`."""
        most = before - 1 if before is not None else INDEX_MAX
        return tuple(islice(self._rows(path, 0, most, newest_first=True), limit))

    def change_at(self, index: int) -> Change | None:
        """The change with this index, if it changed the tree."""
        return next(self._rows("", index, index), None)

    def changed_since(self, index: int) -> frozenset[str]:
        """Every path that some change after this index touched."""
        return frozenset(path for change in self._rows("", index + 1, INDEX_MAX) for path, _ in change.paths)

    def point(self, revision: str) -> Point:
        """The place that `epoch.index`, or the index alone, names. Raises NotFound, NotHeld."""
        epoch, _, index = revision.strip().rpartition(".")
        if not (_is_number(index) and (not epoch or _is_number(epoch))):
            raise NotFound(f"{revision} is not a revision; they look like 4.17.")
        wanted = int(index)
        row = self._db.execute(
            "SELECT epoch, hash FROM log WHERE idx = ?1 UNION SELECT epoch, hash FROM history WHERE idx = ?1", (wanted,)
        ).fetchone()
        if wanted == self.first.index:
            row = (self.first.epoch, self.first.hash)
        if wanted > self.last.index or (row is not None and epoch and row[0] != int(epoch)):
            raise NotFound(f"There is no revision {revision} in this store.")
        if row is None:
            raise self._gone(f"Revision {revision}")
        return Point(row[0], wanted, row[1])

    def _rows(self, path: str, least: int, most: int, *, newest_first: bool = False) -> Iterator[Change]:
        """Changes of `path` or below with `least` ≤ index ≤ `most`."""
        rows = self._db.execute(
            "SELECT epoch, idx, hash, time_ms, user, door, node_id, paths FROM history"
            " WHERE idx BETWEEN ? AND ? AND instr(paths, ?) ORDER BY idx" + (" DESC" if newest_first else ""),
            (least, most, path.encode("utf-8", "replace")),
        )
        for epoch, index, hashed, time_ms, user, door, node_id, encoded in rows:
            paths = _decode_paths(encoded)
            if any(is_within(changed, path) for changed, _ in paths):
                yield Change(Point(epoch, index, hashed), time_ms, user, door, node_id, paths)

    # --- the contents -----------------------------------------------------------------------------------------------

    def at(self, path: str, index: int) -> State:
        """What was at `path` right after this index. Raises NotHeld."""
        if index < self.first.index:
            raise self._gone(f"Revision {index}")
        if not path:
            return DIRECTORY
        for place in self._touching(path, self.first.index + 1, index, newest_first=True):
            found = _backward(self._command(place), path)
            if isinstance(found, State):
                return found
            if found != path:  # it was called otherwise before
                return self.at(found, place - 1)
        return self._by_its_end(path, index)

    def now(self, path: str) -> State:
        """What is at `path` at the last revision."""
        inode, is_dir = 0, 1
        for part in path.split("/") if path else ():
            row = self._db.execute(
                "SELECT inode, is_dir FROM tree WHERE parent = ? AND name = ?", (inode, part)
            ).fetchone()
            if row is None or not is_dir:
                return ABSENT
            inode, is_dir = row
        return DIRECTORY if is_dir else State("file", self._content(inode))

    def _by_its_end(self, path: str, index: int) -> State:
        """What was at `path` since before the log begins, told by what became of it after `index`."""
        name, least = path, index + 1
        while True:
            place = next(self._touching(name, least, INDEX_MAX), None)
            if place is None:
                return self.now(name)
            after = _forward(self._command(place), name)
            if after is None:
                return self._replaced_by(place, name, path)
            name, least = after, place + 1

    def _replaced_by(self, place: int, name: str, path: str) -> State:
        """What the change at `place` found at `name`. Raises NotHeld."""
        columns = "is_dir, data, checksum"
        row = self._db.execute(f"SELECT {columns} FROM past WHERE idx = ? AND path = ?", (place, name)).fetchone()
        if row is not None and row[1] is not None and past_checksum(place, name, row[1]) != row[2]:
            raise StoreDamaged(f"What was in {path} then does not have its checksum.")
        if row is not None and (row[0] or row[1] is not None):
            return DIRECTORY if row[0] else State("file", row[1])
        if row is None:
            earlier = next(self._rows(name, 0, self.first.index, newest_first=True), None)
            kind = dict(earlier.paths).get(name, "dir") if earlier is not None else "removed"
            if kind != "file":
                return DIRECTORY if kind == "dir" else ABSENT
        raise self._gone(f"What was in {path} then")

    def _content(self, inode: int) -> bytes:
        row = self._db.execute(TREE_ROWS, (inode - 1, 1)).fetchone()
        entry, _ = verified_entry(row, self._logged)
        return entry.data or b""

    def _logged(self, place: tuple[int, int]) -> bytes | None:
        body = verified_body(self._db, place[0])
        return contents_of(place[0], body).get(place) if body is not None else None

    def _touching(self, path: str, least: int, most: int, *, newest_first: bool = False) -> Iterator[int]:
        """The indexes of changes of `path` itself."""
        for change in self._rows(path, least, most, newest_first=newest_first):
            if any(changed == path for changed, _ in change.paths):
                yield change.point.index

    def _command(self, index: int) -> Command:
        held = verified_body(self._db, index)
        body = decode_body(held) if held is not None else None
        if not isinstance(body, Command):
            raise StoreDamaged(f"Log entry {index} is not the change it is listed as.")
        return body

    def _gone(self, what: str) -> NotHeld:
        began = f"{self.first.epoch}.{self.first.index}"
        return NotHeld(f"{what} is older than what this node keeps; it can look back to {began}.")


# --- one command and one path -----------------------------------------------------------------------------------------


def _backward(command: Command, name: str) -> State | str:
    """What is at `name` after this command; or, when it says nothing about that, what it was called before."""
    for operation in reversed(command.operations):
        if isinstance(operation, Write) and _clean(operation.path) == name:
            return State("file", operation.data)
        if isinstance(operation, Mkdir) and (_clean(operation.path) + "/").startswith(name + "/"):
            return DIRECTORY
        if isinstance(operation, Remove) and _clean(operation.path) == name:
            return ABSENT
        if isinstance(operation, Rename) and _clean(operation.source) != _clean(operation.target):
            if _clean(operation.target) == name:
                name = _clean(operation.source)
            elif _clean(operation.source) == name:
                return ABSENT
    return name


def _forward(command: Command, name: str) -> str | None:
    """What the thing at `name` is called after this command; None when something else is in its place."""
    for operation in command.operations:
        if isinstance(operation, Write | Remove) and _clean(operation.path) == name:
            return None
        if isinstance(operation, Mkdir) and (_clean(operation.path) + "/").startswith(name + "/"):
            return None
        if isinstance(operation, Rename) and _clean(operation.source) != _clean(operation.target):
            if _clean(operation.source) == name:
                name = _clean(operation.target)
            elif _clean(operation.target) == name:
                return None
    return name


def _clean(path: str) -> str:
    return "/".join(part for part in path.split("/") if part)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def is_within(path: str, above: str) -> bool:
    return not above or path == above or path.startswith(above + "/")
