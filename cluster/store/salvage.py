"""What can be told apart in a store that is set aside and belongs to nobody else: changes that may be lost otherwise.

The conflict journal, and the log entries that were not yet known to be committed; each entry is taken only with the
chain of hashes that leads to it. Only reads, believes nothing, and never fails: what cannot be read is not saved.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from cluster.core.log import FIRST, Entry, chained
from cluster.core.machine import REMEMBERED_MS, body_of
from cluster.core.messages import Point
from cluster.core.operations import Command
from cluster.errors import QuireError
from cluster.store.load import read_log
from cluster.store.mark import Mark
from cluster.store.schema import connect, read_header

LAST_ENTRIES = 1000  # looked at when nobody can say where the committed ones end

NO_ENTRIES: tuple[Point, tuple[Entry, ...]] = (FIRST, ())

ConflictRow = tuple[int, int, int, bytes, bytes]  # time_s, idx, epoch, hash, body
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Salvage:
    """`entries` follow `before`. `identity` is whose store it says it is; None when it cannot say."""

    identity: Mark | None = None
    conflicts: tuple[ConflictRow, ...] = ()
    before: Point = FIRST
    entries: tuple[Entry, ...] = field(default=())


def salvage(path: Path) -> Salvage:
    with suppress(QuireError, sqlite3.Error), closing(connect(path, read_only=True)) as connection:
        connection.execute("BEGIN")
        identity = _tried(lambda: _identity(connection), None)
        before, entries = _tried(lambda: _uncommitted(connection), NO_ENTRIES)
        return Salvage(identity, _tried(lambda: _conflicts(connection), ()), before, entries)
    return Salvage()


def _tried(read: Callable[[], Found], otherwise: Found) -> Found:
    with suppress(QuireError, sqlite3.Error, ValueError, TypeError, OverflowError):
        return read()
    return otherwise


def _identity(connection: sqlite3.Connection) -> Mark:
    header = read_header(connection)
    return Mark(header.uuid, header.node_id)


def _conflicts(connection: sqlite3.Connection) -> tuple[ConflictRow, ...]:
    rows = connection.execute("SELECT time_s, idx, epoch, hash, body FROM conflicts ORDER BY id")
    return tuple((int(time_s), int(idx), int(epoch), bytes(hashed), bytes(body))
                 for time_s, idx, epoch, hashed, body in rows)  # fmt: skip


def _uncommitted(connection: sqlite3.Connection) -> tuple[Point, tuple[Entry, ...]]:
    """The longest verified run of entries that follows what was kept, or, where that is not known, the last one."""
    header = _tried(lambda: read_header(connection), None)
    if header is not None:
        return header.kept, _run(header.kept, read_log(connection, header.kept.index))
    last = connection.execute("SELECT max(idx) FROM log").fetchone()[0] or 0
    rest = list(read_log(connection, max(0, last - LAST_ENTRIES)))
    before, run = FIRST, tuple[Entry, ...]()
    while rest:
        before, run = rest[0].point, _run(rest[0].point, rest[1:])
        rest = rest[1 + len(run) :]
    while run and _made_ms(run[-1]) - _made_ms(run[0]) > REMEMBERED_MS:  # nobody could say whether it is known
        before, run = run[0].point, run[1:]
    return before, run


def _made_ms(entry: Entry) -> int:
    body = body_of(entry)
    return body.time_ms if isinstance(body, Command) else 0


def _run(before: Point, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """As many of these as follow `before` and each other."""
    found: list[Entry] = []
    for entry in entries:
        if chained(before, entry.point.epoch, entry.body).point != entry.point:
            break
        found.append(entry)
        before = entry.point
    return tuple(found)
