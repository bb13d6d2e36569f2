"""Which changes travel in one push. Pure: whoever asks says what time it is.

In a large cluster some node has new figures at every moment, and a page that draws itself anew for each of them does
nothing else. There the figures of half a second travel together; what matters more than a figure goes at once, and
takes along what waits. In a small cluster every change goes by itself. What is in a push is `render.py`.
"""

from __future__ import annotations

from cluster.model import Change
from datacenter.live.picture import Picture
from datacenter.membership import link_cells, topology

GATHER_S = 0.5


class Gathered:
    """The changes since the last push, and `before`, what pages showed then."""

    def __init__(self) -> None:
        self.before: Picture | None = None
        self.changes: list[Change] = []
        self._due_s = self._pushed_s = 0.0

    def add(self, before: Picture, now: Picture, change: Change, at_s: float) -> None:
        waits = may_wait(before, now, change)
        if self.before is None:
            self.before = before
            self._due_s = max(at_s, self._pushed_s + GATHER_S)
        self.changes.append(change)
        if not waits:
            self._due_s = at_s

    def left_s(self, now_s: float) -> float | None:
        """How long the push may still wait; None while there is nothing to push."""
        return None if self.before is None else max(0.0, self._due_s - now_s)

    def take(self, now_s: float) -> tuple[Picture | None, list[Change]]:
        """What is to be pushed; the next push begins empty."""
        taken = self.before, self.changes
        self.before, self.changes, self._pushed_s = None, [], now_s
        return taken

    def drop(self) -> None:
        """Pages get the whole instead."""
        self.before, self.changes = None, []


def may_wait(before: Picture, now: Picture, change: Change) -> bool:
    """Whether nobody minds to see it half a second later."""
    if link_cells.shows_each_peer(now.cluster):
        return False
    if change.topic == "node":
        name = str((change.value or {}).get("name"))
        old, new = before.cluster.node(name), now.cluster.node(name)
        return old is not None and new is not None and not topology.looks_different(old, new)
    return change.topic in ("store", "log", "tasklog") and _can_write(before) == _can_write(now)


def _can_write(picture: Picture) -> bool:
    return picture.cluster.store is not None and picture.cluster.store.writable
