"""Tells the kernel what it must no longer believe, from a thread of its own.

The kernel takes a directory's lock to forget a name in it. Whoever makes or removes something there holds that lock
until answered: so a thread that answers never tells, and what concerns a directory with such a change under way waits
for its answer here rather than in the kernel, where it would hold up every other notice.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque

from cluster.store.mount import protocol
from cluster.store.mount.channel import Channel

NOTICES_MAX = 100_000
STOP_TIMEOUT_S = 5.0
# A directory's listing is forgotten after the names in it: by then nobody lists who began before the change.
Notice = tuple[int, bytes | None]

log = logging.getLogger(__name__)


class Notices:
    """Notices in the order they are added, except those of held directories. Every method is for any thread."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._changed = threading.Condition()
        self._waiting: deque[Notice] = deque()
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
        """An inode's attributes and content or listing; with `name`, what that name in it leads to."""
        with self._changed:
            if len(self._waiting) >= NOTICES_MAX:
                log.error("The kernel is told of changes too slowly; the mount may show old content for a while.")
                return
            self._waiting.append((node, name))
            self._changed.notify()

    def hold(self, directories: tuple[int, ...]) -> None:
        """Put off what concerns these, whose lock somebody holds in the kernel until we answer."""
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
        while (notice := self._next()) is not None:
            node, name = notice
            code, told = protocol.inode_notice(node) if name is None else protocol.entry_notice(node, name)
            self._channel.notify(code, told)

    def _next(self) -> Notice | None:
        with self._changed:
            while True:
                while self._waiting and not self._ending:
                    notice = self._waiting.popleft()
                    if notice[0] not in self._held:
                        return notice
                    self._put_off.setdefault(notice[0], []).append(notice)
                if self._ending:
                    return None
                self._changed.wait()
