"""What waits to be sent to one open page, bounded: a page that does not keep up gets a snapshot later, not a backlog.

A page says how many messages it has taken in; no more than `UNSEEN_MAX` are ever on the way to it. Knows nothing of
sockets; `feed.py` fills it and `consumers.py` empties it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from cluster.model import Change

WAITING_MAX = 128
UNSEEN_MAX = 64


@dataclass(frozen=True, slots=True)
class Fragments:
    """Messages of HTML for every page. `nodes` are those that are different now: their own pages want more."""

    messages: tuple[str, ...]
    nodes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines of a task's log; for the pages that show it."""

    change: Change


@dataclass(frozen=True, slots=True)
class Everything:
    """Send all there is to know, as of now."""


Item = Fragments | LogLines | Everything


class Outlet:
    """The queue of one page, which is in one language."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._waiting: deque[Item] = deque()
        self._ready = asyncio.Event()
        self._unseen = 0

    def offer(self, item: Item) -> None:
        """Add to what waits. When it is too much, or everything is due anyway, one snapshot replaces it all."""
        if len(self._waiting) >= WAITING_MAX or isinstance(item, Everything):
            self._waiting.clear()
            self._waiting.append(Everything())
        else:
            self._waiting.append(item)
        self._ready.set()

    async def take(self) -> Item:
        """The next item, once there is one and the page has seen enough of those before."""
        while not self._waiting or self._unseen >= UNSEEN_MAX:
            self._ready.clear()
            await self._ready.wait()
        item = self._waiting.popleft()
        if isinstance(item, Everything):
            self._waiting.clear()  # what came after it is part of it
        return item

    def sent(self, count: int) -> None:
        """So many messages are on the way to the page: many, one or none for an item, and those that answer it."""
        self._unseen += count

    def seen(self, count: int) -> None:
        """The page has taken in `count` more messages."""
        self._unseen = max(0, self._unseen - count)
        self._ready.set()
