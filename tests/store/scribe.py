"""Writes to a store as a replica alone would, step by step: what goes to the log, what is committed, what is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.core.effects import AppendRecord, Committed, Effect, Keep
from cluster.core.log import Entry
from cluster.core.machine import Durable, Machine
from cluster.core.operations import Command, Write, encode_body
from cluster.core.tree import AnyOperation
from cluster.store import disk as store

LINEAGE = "2f0b-lineage"
EPOCH = 1 << 20
DEADLINE_S = 20.0


def read_back(path: Path) -> Durable:
    """What a replica would wake up with."""
    disk = store.open_disk(path)
    try:
        return disk.load()
    finally:
        disk.close()


class Ear:
    """Stands for the event loop: calls back at once, and lets a test wait for what it is told."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.failures: list[str] = []
        self.errnos: list[int] = []
        self._changed = threading.Condition()

    def call_soon_threadsafe(self, callback: Callable[..., Any], *arguments: Any) -> None:
        with self._changed:
            callback(*arguments)
            self._changed.notify_all()

    def call_later(self, delay_s: float, callback: Callable[..., Any], *arguments: Any) -> threading.Timer:
        timer = threading.Timer(delay_s, callback, arguments)
        timer.daemon = True
        timer.start()
        return timer

    def fail(self, reason: str, errno: int) -> None:
        self.failures.append(reason)
        self.errnos.append(errno)

    def wait(self, true: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(true, DEADLINE_S), f"told {self.told[-3:]}, failures {self.failures}"


class Scribe:
    """A store that is open, and the machine that knows what should be in it."""

    def __init__(self, path: Path, *, make: bool = True) -> None:
        self.path = path
        if make:
            store.create(path, LINEAGE, 1, 1)
        self.disk = store.open_disk(path)
        self.machine = Machine(self.disk.load(), lambda text: {})
        self.ear = Ear()
        self.ticket = 0
        self.requests = self.machine.log.last.index
        self.disk.start(self.ear, self.ear.told.append, self.ear.fail)  # type: ignore[arg-type]

    def append(self, *operations: AnyOperation, body: bytes | None = None) -> Entry:
        """One more log entry, handed to the disk; nobody waits for it."""
        self.requests += 1
        if body is None:
            command = Command(f"request-{self.requests}", 1, self.requests * 1000, "alice@pve", "api", operations)
            body = encode_body(command)
        entry = self.machine.log.append(EPOCH, body)
        self.persist(AppendRecord((entry,)))
        return entry

    def persist(self, record: Any) -> None:
        self.ticket += 1
        self.disk.persist(self.ticket, record)

    def commit(self) -> tuple[Committed, ...]:
        """Everything in the log becomes committed, and is handed over to be kept."""
        effects: list[Effect] = []
        self.machine.commit(dict.fromkeys(range(9), self.machine.log.last.index), effects)
        kept = [one for effect in effects if isinstance(effect, Keep) for one in effect.committed]
        self.disk.keep(tuple(kept))
        return tuple(kept)

    def write(self, path: str, data: bytes) -> Entry:
        """A file written, committed and on disk."""
        entry = self.append(Write(path, data))
        self.settle()
        self.commit()
        return entry

    def settle(self) -> None:
        """Wait until everything handed over is on disk."""
        ticket = self.ticket
        self.ear.wait(lambda: bool(self.ear.failures) or (bool(self.ear.told) and self.ear.told[-1] >= ticket))
        assert not self.ear.failures

    def reopen(self) -> Scribe:
        self.disk.close()
        return Scribe(self.path, make=False)

    def rows(self, table: str) -> int:
        with self.disk._reading() as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608

    def await_true(self, true: Callable[[], bool]) -> None:
        until_s = time.monotonic() + DEADLINE_S
        while not true():
            assert time.monotonic() < until_s, "waited in vain"
            time.sleep(0.02)
