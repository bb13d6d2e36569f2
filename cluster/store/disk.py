"""The store of one node on disk: one SQLite file, one writing thread (`writer.py`), readers of their own.

What is reported as persisted survives a power cut: WAL with synchronous=FULL. Only one process may have a store open.
Acts on a store that nobody has open are functions on the path: `create` and `restore` here, those that change its
lineage in `lineage.py`. Tables: `schema.py`; what records do to them: `records.py`; how it is read back:
`load.py`.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from cluster.core.effects import Committed
from cluster.core.log import Entry, is_chain
from cluster.core.machine import Durable
from cluster.core.messages import Point
from cluster.errors import Conflict as ConflictError
from cluster.errors import QuireError, StoreDamaged, Unavailable
from cluster.store import mark as marks
from cluster.store import schema
from cluster.store.base import (
    KEEP_LOG_BYTES,
    KEEP_LOG_ENTRIES,
    Change,
    Conflict,
    Counters,
    Record,
    first_point,
)
from cluster.store.load import load, read_log
from cluster.store.schema import told
from cluster.store.writer import Writer

_decode_paths = msgspec.msgpack.Decoder(tuple[tuple[str, str], ...]).decode


class SqliteDisk:
    """A store that is open here and nowhere else. `load` first, then `start`, then `persist` and `keep`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer: Writer | None = None
        self._mark = marks.Mark("", 0)
        self._inodes: dict[str, int] = {}
        self._lock: int | None = _lock(path)
        try:
            _settle(path)
        except BaseException:
            self.close()
            raise

    # --- reading ----------------------------------------------------------------------------------------------------

    def identity(self) -> tuple[str, int]:
        with self._reading() as connection:
            header = schema.read_header(connection)
            return header.uuid, header.node_id

    def load(self) -> Durable:
        durable, _ = load(self.path)
        self._mark = marks.read(self.path) or self._mark
        objection = marks.objection(marks.read(self.path), durable)
        if objection:
            raise StoreDamaged(objection)
        return durable

    def history(self, have: Sequence[Point], want: Point) -> tuple[Point, tuple[Entry, ...]] | None:
        with self._reading() as connection:
            base = schema.read_header(connection).base

            def holds(point: Point) -> bool:
                row = connection.execute("SELECT epoch, hash FROM log WHERE idx = ?", (point.index,)).fetchone()
                return point == base or row == (point.epoch, point.hash)

            if not holds(want):
                return None
            candidates = sorted((p for p in have if base.index <= p.index <= want.index), key=lambda p: -p.index)
            common = next((point for point in candidates if holds(point)), None)
            if common is None:
                return None
            entries = tuple(read_log(connection, common.index, want.index))
            if not is_chain(common, entries) or (entries and entries[-1].point != want):
                raise StoreDamaged("The log does not hold what was written to it.")
            return common, entries

    def changes(self, path: str | None = None, limit: int = 100, before: int | None = None) -> tuple[Change, ...]:
        found: list[Change] = []
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT epoch, idx, hash, time_ms, user, door, node_id, paths FROM history WHERE idx < ?"
                " ORDER BY idx DESC",
                (before if before is not None else (1 << 63) - 1,),
            )
            for epoch, index, hashed, time_ms, user, door, node_id, encoded in rows:
                paths = _decode_paths(encoded)
                if path is None or any(_is_within(changed, path) for changed, _ in paths):
                    found.append(Change(Point(epoch, index, hashed), time_ms, user, door, node_id, paths))
                if len(found) >= limit:
                    break
        return tuple(found)

    def conflicts(self, limit: int = 1000) -> tuple[Conflict, ...]:
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT time_s, epoch, idx, hash, body FROM conflicts ORDER BY id DESC LIMIT ?", (limit,)
            )
            return tuple(Conflict(time_s, Entry(Point(*point), body)) for time_s, *point, body in rows)

    def verify(self) -> tuple[str, ...]:
        findings: list[str] = []
        try:
            with self._reading() as connection:
                findings += [row[0] for row in connection.execute("PRAGMA integrity_check(20)") if row[0] != "ok"]
            load(self.path)
        except QuireError as error:
            findings.append(error.message)
        return tuple(findings)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one moment of the store. Raises `Unavailable`."""
        with closing(schema.connect(self.path, read_only=True)) as connection, told(self.path):
            connection.execute("BEGIN")
            yield connection

    # --- writing ----------------------------------------------------------------------------------------------------

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        on_persisted: Callable[[int], None],
        on_failed: Callable[[str, int], None],
    ) -> None:
        self._inodes = {"": _inode(self.path)}
        self._writer = Writer(self.path, loop, on_persisted, on_failed, self._mark)

    def persist(self, ticket: int, record: Record) -> None:
        if self._writer is not None:
            self._writer.persist(ticket, record)

    def keep(self, committed: tuple[Committed, ...]) -> None:
        if self._writer is not None:
            self._writer.keep(committed)

    def trim(self, keep_bytes: int = KEEP_LOG_BYTES, keep_entries: int = KEEP_LOG_ENTRIES) -> None:
        if self._writer is not None:
            self._writer.trim(keep_bytes, keep_entries)

    def missing(self) -> str:
        if self._writer is None:
            return ""
        for suffix in ("", "-wal"):
            now = _inode(self.path.with_name(self.path.name + suffix))
            if now != self._inodes.setdefault(suffix, now):
                return "The store's file was removed or replaced while it was open."
        return ""

    def counters(self) -> Counters:
        return self._writer.counters if self._writer is not None else Counters()

    def backup_to(self, path: Path) -> None:
        with self._reading() as connection:
            _copy(connection, path)

    def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


# --- a store that nobody has open -------------------------------------------------------------------------------------


def open_disk(path: Path) -> SqliteDisk:
    """Open a store. Raises `Unavailable` when it is open elsewhere or cannot be read, `StoreDamaged`."""
    return SqliteDisk(path)


def create(path: Path, uuid: str, node_id: int, votes: int) -> None:
    """A new, empty store of a stand-alone node. Raises `Conflict` when there is one already."""
    if path.exists():
        raise ConflictError(f"There is a store at {path} already.")
    with locked(path), told(path):
        marks.forget(path)
        new = path.with_name(path.name + ".new")
        schema.make(new)
        header = schema.Header(uuid, node_id, False, 0, first_point(uuid), first_point(uuid), 1, 0, 0, {node_id: votes})
        with closing(schema.connect(new)) as connection:
            schema.write_header(connection, header)
        put_in_place(new, path)


def restore(path: Path, backup: Path) -> None:
    """The store becomes what a backup holds. Raises `StoreDamaged` when the backup cannot be trusted.

    A backup forgets what was promised and acknowledged since: never bring one back into a cluster that went on.
    """
    load(backup)
    with locked(path), told(path), closing(schema.connect(backup, read_only=True)) as connection:
        new = path.with_name(path.name + ".new")
        _copy(connection, new)
        marks.forget(path)
        put_in_place(new, path)


# --- small things -----------------------------------------------------------------------------------------------------


def _settle(path: Path) -> None:
    """Make certain that what can be read is what is on disk, also after a flush that failed in an earlier life: move
    everything from the write-ahead log into the file, and flush that."""
    with told(path), closing(schema.connect(path)) as connection:
        os.chmod(path, 0o600)
        schema.check_format(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise Unavailable(f"The store {path} is being read by another process.")


def _lock(path: Path) -> int:
    """Let nobody else have this store. Raises `Unavailable`."""
    try:
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"The store {path} cannot be opened: {error.strerror}.") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise Unavailable(f"The store {path} is open in another process.") from None
    return descriptor


@contextmanager
def locked(path: Path) -> Iterator[None]:
    descriptor = _lock(path)
    try:
        yield
    finally:
        os.close(descriptor)


def _copy(source: sqlite3.Connection, path: Path) -> None:
    """A copy of what `source` sees, whole or not at all."""
    part = path.with_name(path.name + ".part")
    with told(path):
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(part)) as target:
            source.backup(target)
        put_in_place(part, path)


def put_in_place(new: Path, path: Path) -> None:
    for descriptor in (os.open(new, os.O_RDONLY), os.open(new.parent, os.O_RDONLY)):
        os.fsync(descriptor)
        os.close(descriptor)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.rename(new, path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _inode(path: Path) -> int:
    """0 when there is no such file, or it cannot be said."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _is_within(path: str, above: str) -> bool:
    above = above.strip("/")
    return not above or path == above or path.startswith(above + "/")
