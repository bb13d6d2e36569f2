"""The cluster log: what happened lately on any node, the same on all of them, in memory and bounded.

A new entry is said to the `status` group at once. When nodes meet that were apart, one of each side says all its side
knows; (node, number, time) tells entries apart, so hearing one twice adds nothing. It never touches a disk. The rows
shown are those of pmxcfs (reference pmxcfs.md §4.18).
"""

from __future__ import annotations

import logging
import os
from bisect import insort
from collections.abc import Callable, Iterable
from typing import Any

from cluster.model import TaskState
from cluster.node.board_messages import LogEntry, Logged, encode

ENTRIES_MAX = 500
BYTES_MAX = 128 << 10
MESSAGE_CHARACTERS_MAX = 4000
NAME_CHARACTERS_MAX = 254
SHARED_AT_A_TIME = 20
NOTICE, PROBLEM = 6, 3  # syslog's info and error

Key = tuple[int, str, int]

log = logging.getLogger(__name__)


class ClusterLog:
    """`say` multicasts to the status group; what cannot be said now is shared when nodes meet."""

    def __init__(
        self,
        node: str,
        now_s: Callable[[], float],
        say: Callable[[bytes], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._node, self._now_s, self._say, self._changed = node, now_s, say, changed
        self._number = 0
        self._entries: dict[Key, LogEntry] = {}
        self._order: list[Key] = []
        self._bytes = 0
        self._tasks: set[str] = set()  # whose beginning is noted and whose end is not

    def write(self, message: str, *, user: str = "root@pam", tag: str = "cluster", priority: int = NOTICE) -> None:
        """Something happened here."""
        self._number += 1
        entry = LogEntry(
            self._number, int(self._now_s()), priority, _plain(tag)[:NAME_CHARACTERS_MAX], os.getpid(), self._node,
            _plain(user)[:NAME_CHARACTERS_MAX], _plain(message)[:MESSAGE_CHARACTERS_MAX],
        )  # fmt: skip
        log.info("%s", entry.message)
        self.hear((entry,))
        self._say(encode(Logged((entry,))))

    def hear(self, entries: Iterable[LogEntry]) -> None:
        """Entries of any node, new ones and known ones."""
        known = len(self._entries)
        for entry in entries:
            key = _key(entry)
            if key not in self._entries and _is_sound(entry):
                self._entries[key] = entry
                insort(self._order, key)
                self._bytes += _size(entry)
        if len(self._entries) > known:
            self._changed()
        while len(self._order) > ENTRIES_MAX or self._bytes > BYTES_MAX:
            self._bytes -= _size(self._entries.pop(self._order.pop(0)))

    def note(self, task: TaskState) -> None:
        """A state a task of this node went through: its beginning and its end are worth an entry."""
        if task.end_time_s is None and task.upid not in self._tasks:
            self._tasks.add(task.upid)
            self.write(f"starting task {task.upid}", user=task.user, tag="task")
        elif task.end_time_s is not None:
            self._tasks.discard(task.upid)
            fine = task.status == "OK" or task.status.startswith("WARNINGS")
            sentence = f"end task {task.upid} {task.status}"
            self.write(sentence, user=task.user, tag="task", priority=NOTICE if fine else PROBLEM)

    def share(self, node_id: int, before: frozenset[int], now: frozenset[int]) -> None:
        """Nodes have met. Of those that were together `before`, the lowest says what all of them know."""
        if node_id != min(before & now, default=node_id):
            return
        for start in range(0, len(self._order), SHARED_AT_A_TIME):
            keys = self._order[start : start + SHARED_AT_A_TIME]
            self._say(encode(Logged(tuple(self._entries[key] for key in keys))))

    def rows(self, limit: int, user: str | None = None) -> list[dict[str, Any]]:
        """The newest entries first; only what `user` did when one is given."""
        found = (self._entries[key] for key in reversed(self._order))
        return [_row(entry) for entry in found if user is None or entry.user == user][:limit]


def _key(entry: LogEntry) -> Key:
    return (entry.time_s, entry.node, entry.number)


def _is_sound(entry: LogEntry) -> bool:
    names = max(len(entry.tag), len(entry.node), len(entry.user))
    return names <= NAME_CHARACTERS_MAX and len(entry.message) <= MESSAGE_CHARACTERS_MAX and 0 <= entry.priority <= 7


def _size(entry: LogEntry) -> int:
    return 48 + len(entry.tag) + len(entry.node) + len(entry.user) + len(entry.message.encode())


def _plain(text: str) -> str:
    """One line, whatever was in it: control characters as `#` and three digits, as pmxcfs writes them."""
    return "".join(
        f"#{ord(c):03}" if ord(c) < 32 or ord(c) == 127 else c for c in text if c.isascii() or c.isprintable()
    )


def _row(entry: LogEntry) -> dict[str, Any]:
    return {
        "uid": entry.number,
        "time": entry.time_s,
        "pri": entry.priority,
        "tag": entry.tag,
        "pid": entry.pid,
        "node": entry.node,
        "user": entry.user,
        "msg": entry.message,
    }
