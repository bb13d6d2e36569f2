"""How long each lock directory has been as it is, by this node's monotonic clock, and so whether it is too old.

A node that starts, or sees a lock for the first time, gives it the full time: clocks of different nodes are never
compared. It ends nothing itself; who finds a lock too old proposes `Expire` with the version it has watched.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.core.locks import FOLDER
from cluster.core.tree import Entry, Tree

LIFETIME_S = 120.0


class LockWatch:
    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._seen: dict[str, tuple[int, float]] = {}  # name → version, since when

    def look(self, tree: Tree) -> None:
        """Note every lock there is now; call it whenever something in their folder has changed."""
        there = {entry.name: entry.version for entry in tree.listing("/".join(FOLDER)) or () if entry.is_dir}
        now_s = self._now_s()
        known, self._seen = self._seen, {}
        for name, version in there.items():
            before = known.get(name)
            self._seen[name] = before if before is not None and before[0] == version else (version, now_s)

    def is_too_old(self, lock: Entry) -> bool:
        """Has this lock been seen, unchanged, for longer than a lock may live?"""
        version, since_s = self._seen.get(lock.name, (None, 0.0))
        if version != lock.version:
            self._seen[lock.name] = (lock.version, self._now_s())
            return False
        return self._now_s() - since_s > LIFETIME_S
