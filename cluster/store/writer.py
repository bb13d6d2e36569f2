"""The one thread that writes a store: what waits is written together, in one transaction with one flush.

A failed write is never tried again: the failure is told once, and nothing more is written until the store is opened
anew, because after it nobody can know what the disk holds. What is kept for later (`keep`) rides along with a
transaction that happens anyway, or is written without a flush when nothing happens for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from errno import EIO, ENOSPC, EROFS
from pathlib import Path
from queue import Empty, SimpleQueue

from cluster.core.effects import Committed, InstallRecord, PromiseRecord
from cluster.errors import QuireError
from cluster.store.ahead import Ahead
from cluster.store.base import KEEP_LOG_BYTES, KEEP_LOG_ENTRIES, Counters, Record
from cluster.store.mark import Mark, Marker
from cluster.store.records import Records
from cluster.store.schema import connect

BATCH_MAX = 256
HAND_OVER_AFTER_S = 0.2
KEEP_AFTER_S = 0.8
KEEP_ENTRIES = 200
KEEP_BYTES = 8 << 20
BACKLOG_BYTES_MAX = 128 << 20
CLOSE_TIMEOUT_S = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ticket:
    number: int
    record: Record
    bytes: int


@dataclass(frozen=True, slots=True)
class _Trim:
    keep_bytes: int
    keep_entries: int


@dataclass(frozen=True, slots=True)
class _Stop:
    pass


_Item = _Ticket | tuple[Committed, ...] | _Trim | _Stop


class Writer:
    def __init__(
        self,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        on_persisted: Callable[[int], None],
        on_failed: Callable[[str, int], None],
        mark: Mark,
    ) -> None:
        self._mark = mark
        self._path, self._loop = path, loop
        self._on_persisted, self._on_failed = on_persisted, on_failed
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._kept: list[tuple[Committed, ...]] = []  # handed over with what follows, rather than wake the thread
        self._handing_over: asyncio.TimerHandle | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._backlog_bytes = 0
        self._failed = False
        self._later = _Later()
        self._synchronous = "FULL"  # as `connect` sets it
        self.counters = Counters()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    # --- from the loop ----------------------------------------------------------------------------------------------

    def persist(self, ticket: int, record: Record) -> None:
        size = 0 if isinstance(record, PromiseRecord) else sum(len(entry.body) for entry in record.entries)
        with self._lock:
            self._backlog_bytes += size
            backlog_bytes = self._backlog_bytes
        if backlog_bytes > BACKLOG_BYTES_MAX:
            self._fail(f"The disk is too slow: {backlog_bytes >> 20} MiB wait to be written.", EIO)
        self._hand_over()
        self._put(_Ticket(ticket, record, size))

    def keep(self, committed: tuple[Committed, ...]) -> None:
        self._kept.append(committed)
        if any(one.electorate is not None for one in committed) or len(self._kept) >= KEEP_ENTRIES:
            self._hand_over()
        elif self._handing_over is None:
            self._handing_over = self._loop.call_later(HAND_OVER_AFTER_S, self._hand_over)

    def trim(self, keep_bytes: int, keep_entries: int) -> None:
        self._hand_over()
        self._put(_Trim(keep_bytes, keep_entries))

    def stop(self) -> None:
        """Write what waits, then end."""
        self._hand_over()
        self._closing.set()
        self._queue.put(_Stop())
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            log.error("The store's disk did not finish writing within %.0f s.", CLOSE_TIMEOUT_S)

    def _hand_over(self) -> None:
        if self._handing_over is not None:
            self._handing_over.cancel()
            self._handing_over = None
        kept, self._kept = self._kept, []
        for committed in kept:
            self._put(committed)

    def _put(self, item: _Item) -> None:
        if not self._failed:
            self._queue.put(item)

    # --- the thread -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            with closing(connect(self._path)) as connection, Marker(self._path) as marker:
                records = Records(connection)
                self.counters = records.counters
                try:
                    self._write_on(connection, records, marker)
                except Exception as error:
                    self._fail(_sentence(error), _errno(error, self._path))
                    self._stay_open(connection)
        except Exception as error:  # whatever it is, the disk cannot be relied on any more
            self._fail(_sentence(error), _errno(error, self._path))

    def _write_on(self, connection: sqlite3.Connection, records: Records, marker: Marker) -> None:
        self._advance(marker, records)  # has its place on the disk from now on
        ahead = Ahead(connection, self._path)
        while not self._failed and self._write(connection, records, marker, self._take()):
            ahead.tidy()  # the flush was told: nobody waits for it
        if not self._failed:
            marker.flush()

    def _stay_open(self, connection: sqlite3.Connection) -> None:
        """Until the store is closed. Whoever reads a store that nobody has open makes SQLite's index anew, in memory
        that belongs to a file: where the disk is full, that can end a process without a word (SIGBUS)."""
        with contextlib.suppress(sqlite3.Error):
            connection.rollback()
        self._closing.wait()

    def _take(self) -> list[_Item]:
        """What waits, at most a batch; empty when the time has come for what was to be kept later."""
        batch: list[_Item] = []
        with contextlib.suppress(Empty):
            batch.append(self._queue.get(timeout=self._later.patience_s()))
            while len(batch) < BATCH_MAX:
                batch.append(self._queue.get_nowait())
        return batch

    def _write(self, connection: sqlite3.Connection, records: Records, marker: Marker, batch: list[_Item]) -> bool:
        """One transaction for a batch; returns whether to go on."""
        stopping = any(isinstance(item, _Stop) for item in batch)
        tickets = [item for item in batch if isinstance(item, _Ticket)]
        urgent = any(one.electorate is not None for item in batch if isinstance(item, tuple) for one in item)
        if batch and not urgent and all(isinstance(item, tuple) for item in batch):
            for item in batch:
                self._do(item, records)
            if not self._later.due():
                return True  # nothing to write yet
            batch = []
        elif batch:  # an idle store is not touched: a transaction about nothing writes, too
            batch = [
                one for one in batch if not isinstance(one, _Trim) or records.exceeds(one.keep_bytes, one.keep_entries)
            ]
            if not batch:
                return True
        self._set_synchronous(connection, "FULL" if tickets or urgent or stopping else "NORMAL")
        connection.execute("BEGIN IMMEDIATE")
        for item in batch:
            self._do(item, records)
        if stopping or urgent or self._later.due():
            records.keep(self._later.take())
            if records.is_long():
                self._queue.put(_Trim(KEEP_LOG_BYTES, KEEP_LOG_ENTRIES))
        records.finish()
        connection.execute("COMMIT")
        records.counters.transactions += 1
        if tickets:
            self._advance(marker, records)
            with self._lock:
                self._backlog_bytes -= sum(ticket.bytes for ticket in tickets)
            self._tell(self._on_persisted, tickets[-1].number)
        return not stopping

    def _advance(self, marker: Marker, records: Records) -> None:
        header, last = records.header, records.last
        mark = Mark(header.uuid, header.node_id, header.promised, last.epoch, last.index)
        if mark != self._mark:
            marker.put(mark)
            self._mark = mark

    def _set_synchronous(self, connection: sqlite3.Connection, mode: str) -> None:
        if mode != self._synchronous:
            connection.execute(f"PRAGMA synchronous = {mode}")
            self._synchronous = mode

    def _do(self, item: _Item, records: Records) -> None:
        if isinstance(item, _Ticket):
            if isinstance(item.record, InstallRecord):
                records.keep(self._later.take())
            records.persist(item.record)
        elif isinstance(item, tuple):
            self._later.add(item)
        elif isinstance(item, _Trim):
            records.keep(self._later.take())
            if records.trim(item.keep_bytes, item.keep_entries):
                self._queue.put(item)

    def _fail(self, reason: str, errno: int) -> None:
        with self._lock:
            if self._failed:
                return
            self._failed = True
        self._queue.put(_Stop())
        self._tell(self._on_failed, reason, errno)

    def _tell(self, callback: Callable[..., None], *told: int | str) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(callback, *told)


class _Later:
    """What committed entries did, gathered until it is worth writing."""

    def __init__(self) -> None:
        self._waiting: list[Committed] = []
        self._bytes = 0
        self._since_s = 0.0

    def add(self, committed: tuple[Committed, ...]) -> None:
        if not self._waiting:
            self._since_s = time.monotonic()
        self._waiting += committed
        self._bytes += sum(entry.size for one in committed if one.applied is not None for entry in one.applied.entries)

    def take(self) -> list[Committed]:
        taken, self._waiting, self._bytes = self._waiting, [], 0
        return taken

    def due(self) -> bool:
        return bool(self._waiting) and self.patience_s() == 0.0

    def patience_s(self) -> float | None:
        """How long this may still wait; None when there is nothing to wait for."""
        if not self._waiting:
            return None
        if len(self._waiting) >= KEEP_ENTRIES or self._bytes >= KEEP_BYTES:
            return 0.0
        return max(0.0, self._since_s + KEEP_AFTER_S - time.monotonic())


def _sentence(error: Exception) -> str:
    if isinstance(error, QuireError):
        return error.message
    return f"Writing the store failed: {error or type(error).__name__}."


def _errno(error: Exception, path: Path) -> int:
    """What a program that wants to write is told of it. SQLite has other words than "full" where its index is what does
    not fit."""
    with contextlib.suppress(OSError):
        disk = os.statvfs(path.parent)
        if disk.f_flag & os.ST_RDONLY:
            return EROFS
        if not disk.f_bfree:
            return ENOSPC
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return {sqlite3.SQLITE_FULL: ENOSPC, sqlite3.SQLITE_READONLY: EROFS}.get(code, EIO)
