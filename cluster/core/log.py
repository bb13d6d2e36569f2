"""The log of a replica: entries chained by hash, split into what is committed and the suffix that is not yet.

Only the uncommitted suffix is held in memory; committed entries live on disk and in the tree. Invariants: indexes are
gap-free; each entry's hash covers all before it; the suffix begins right after `commit`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cluster.core.messages import Point

FIRST = Point(0, 0, b"\0" * 32)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log, in its place. `body` is encoded by operations.py."""

    point: Point
    body: bytes


def chained(before: Point, epoch: int, body: bytes) -> Entry:
    """The entry that follows `before`: h(n) = SHA-256(h(n-1) ‖ epoch ‖ index ‖ body)."""
    index = before.index + 1
    place = epoch.to_bytes(8, "big") + index.to_bytes(8, "big")
    return Entry(Point(epoch, index, hashlib.sha256(before.hash + place + body).digest()), body)


def is_chain(before: Point, entries: tuple[Entry, ...]) -> bool:
    """Do these entries follow `before`, one after the other, with the right hashes and epochs that never fall?"""
    for entry in entries:
        expected = chained(before, entry.point.epoch, entry.body)
        if expected.point != entry.point or entry.point.epoch < before.epoch:
            return False
        before = entry.point
    return True


class Log:
    """`commit` is the last committed point; `suffix` follows it."""

    def __init__(self, commit: Point = FIRST, suffix: tuple[Entry, ...] = ()) -> None:
        self.commit = commit
        self.suffix: list[Entry] = list(suffix)

    @property
    def last(self) -> Point:
        return self.suffix[-1].point if self.suffix else self.commit

    def append(self, epoch: int, body: bytes) -> Entry:
        entry = chained(self.last, epoch, body)
        self.suffix.append(entry)
        return entry

    def points(self) -> tuple[Point, ...]:
        """The committed point and every point after it, oldest first."""
        return (self.commit, *(entry.point for entry in self.suffix))

    def point_at(self, index: int) -> Point:
        """The point at an index the committed one for what is before it, the last one for what is beyond."""
        place = min(index - self.commit.index, len(self.suffix))
        return self.suffix[place - 1].point if place > 0 else self.commit

    def after(self, index: int) -> tuple[Entry, ...]:
        """The suffix entries with a greater index."""
        return tuple(self.suffix[max(0, index - self.commit.index) :])

    def take_committed(self, index: int) -> tuple[Entry, ...]:
        """Move the commit point up to `index`; returns the entries that became committed, oldest first."""
        count = index - self.commit.index
        taken = tuple(self.suffix[:count])
        if taken:
            self.commit = taken[-1].point
            del self.suffix[:count]
        return taken

    def replace_after(self, index: int, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
        """Keep the suffix up to `index`, then continue with `entries`; returns what was dropped."""
        keep = index - self.commit.index
        dropped = tuple(self.suffix[keep:])
        self.suffix[keep:] = entries
        return dropped
