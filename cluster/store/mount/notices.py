"""Tells the kernel what it must no longer believe, from a thread of its own.

The kernel takes a directory's lock to forget a name in it. Whoever makes or removes something there holds that lock
until answered: so a thread that answers never tells, and what concerns a directory with such a change under way waits
for its answer here rather than in the kernel, where it would hold up every other notice. Answers to those who hold no
lock go through here too, after the notices of their change: when a close returns, everybody on this node sees it.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from typing import NamedTuple

from cluster.store.mount import protocol
from cluster.store.mount.channel import Channel

NOTICES_MAX = 100_000
STOP_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class Notice(NamedTuple):
    """An inode's attributes and content or listing; with a name, what that name in it leads to."""

    node: int
    name: bytes | None = None


class Reply(NamedTuple):
    unique: int
    answer: bytes


class Notices:
    """Told in the order they are added, except those of held directories. Every method is for any thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._changed = threading.Condition()
        self._waiting: deque[Notice | Reply] = deque()
        self._held: Counter[int] = Counter()
        self._put_off: dict[int, list[Notice]] = {}
        self._ending = False
        self._thread = threading.Thread(target=self._tell_forever, name="mount-notices", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> bool:
        """Returns whether the thread has ended; if not, the kernel keeps it waiting."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        self._thread.join(STOP_TIMEOUT_S)
        return not self._thread.is_alive()

    def add(self, node: int, name: bytes | None = None) -> None:
        with self._changed:
            if len(self._waiting) >= NOTICES_MAX:
                log.error("The kernel is told of changes too slowly; the mount may show old content for a while.")
                return
            self._waiting.append(Notice(node, name))
            self._changed.notify()

    def reply_after(self, unique: int, answer: bytes) -> None:
        """Answer a request whose asker holds no directory, when everything added so far has been told."""
        with self._changed:
            self._waiting.append(Reply(unique, answer))
            self._changed.notify()

    def hold(self, directories: tuple[int, ...]) -> None:
        """Put off what concerns names in these, whose lock somebody holds in the kernel until we answer."""
        with self._changed:
            self._held.update(directories)

    def let_go(self, directories: tuple[int, ...]) -> None:
        with self._changed:
            for directory in directories:
                self._held[directory] -= 1
                if self._held[directory] <= 0:
                    del self._held[directory]
                    self._waiting.extend(self._put_off.pop(directory, ()))
            self._changed.notify()

    def _tell_forever(self) -> None:
        while (one := self._next()) is not None:
            if isinstance(one, Reply):
                self._channel.reply(one.unique, one.answer)
            elif one.name is None:
                self._channel.notify(*protocol.inode_notice(one.node))
            else:
                self._channel.notify(*protocol.entry_notice(one.node, one.name))

    def _next(self) -> Notice | Reply | None:
        with self._changed:
            while True:
                while self._waiting:
                    one = self._waiting.popleft()
                    if isinstance(one, Reply) or not (self._ending or self._is_put_off(one)):
                        return one
                if self._ending:
                    return None
                self._changed.wait()

    def _is_put_off(self, notice: Notice) -> bool:
        """A listing is forgotten after the names in it, because forgetting those waits for whoever lists just now. That
        of a held directory needs no lock: it is forgotten at once, and again after the names."""
        if notice.node not in self._held:
            return False
        put_off = self._put_off.setdefault(notice.node, [])
        put_off.append(notice)
        return notice.name is not None
