"""A disk in memory that remembers everything that ever reached it."""

from __future__ import annotations

from cluster.core.log import Entry
from cluster.core.machine import body_of
from cluster.core.operations import Command
from cluster.core.snapshot import Snapshot
from cluster.store.memory import MemoryDisk


class WatchedDisk(MemoryDisk):
    """`ever` is hash → request id (or nothing, for what no client asked) of each entry."""

    ever: dict[bytes, str]

    def _append(self, entries: tuple[Entry, ...]) -> None:
        super()._append(entries)
        for entry in entries:
            body = body_of(entry)
            self.ever[entry.point.hash] = body.request_id if isinstance(body, Command) else ""

    def _replace_all(self, snapshot: Snapshot) -> None:
        self.ever = getattr(self, "ever", {})
        super()._replace_all(snapshot)
