"""When the cluster's state is shown to pages: once per turn of the loop, and for commits alone a few times in a second.

What is shown is `daemon.py`'s; this only decides the moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

COMMITS_EVERY_S = 0.1


class Showing:
    """`show` is called on the loop."""

    def __init__(self, show: Callable[[], None]) -> None:
        self._do = show
        self._waiting: asyncio.Handle | None = None
        self._shown_at_s = 0.0

    def soon(self) -> None:
        """Once per turn of the loop, however much happened in it."""
        if isinstance(self._waiting, asyncio.TimerHandle):
            self._waiting.cancel()
            self._waiting = None
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_soon(self._show)

    def after_commit(self) -> None:
        """A commit alone is shown at once after a quiet while, and under load a few times in a second."""
        if self._waiting is None:
            wait_s = self._shown_at_s + COMMITS_EVERY_S - time.monotonic()
            self._waiting = asyncio.get_running_loop().call_later(max(0.0, wait_s), self._show)

    def now(self) -> None:
        """What waits to be shown is shown before somebody looks."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._show()

    def _show(self) -> None:
        self._waiting = None
        self._shown_at_s = time.monotonic()
        self._do()
