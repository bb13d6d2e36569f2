"""When the cluster's state is shown to pages: at once after a quiet while; under load as often as leaves time for
everything else; and for commits or figures alone a few times in a second.

What is shown is `daemon.py`'s; this only decides the moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

AT_MOST_EVERY_S = 0.1  # what can wait
REST_PER_WORK = 4.0  # a show of thirty-two nodes takes milliseconds, and a join is hundreds of messages


class Showing:
    """`show` is called on the loop, with the time (unix) at which this was first asked for since it was called last."""

    def __init__(
        self,
        show: Callable[[float], None],
        now_s: Callable[[], float] = time.monotonic,
        unix_s: Callable[[], float] = time.time,
    ) -> None:
        self._do, self._now_s, self._unix_s = show, now_s, unix_s
        self._asked_s = 0.0
        self._waiting: asyncio.TimerHandle | None = None
        self._ended_s, self._rest_s = -AT_MOST_EVERY_S, 0.0

    def soon(self) -> None:
        """Once per turn of the loop at most, however much happened in it."""
        self._within(self._rest_s)

    def before_long(self) -> None:
        """A commit alone, or figures."""
        self._within(max(AT_MOST_EVERY_S, self._rest_s))

    def now(self) -> None:
        """What waits to be shown is shown before somebody looks."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._show()

    def _within(self, rest_s: float) -> None:
        """Of the last show; sooner, where that was asked for already."""
        loop = asyncio.get_running_loop()
        wait_s = max(0.0, self._ended_s + rest_s - self._now_s())
        if self._waiting is not None:
            if self._waiting.when() <= loop.time() + wait_s:
                return
            self._waiting.cancel()
        else:
            self._asked_s = self._unix_s()
        self._waiting = loop.call_later(wait_s, self._show)

    def _show(self) -> None:
        self._waiting = None
        began_s = self._now_s()
        try:
            self._do(self._asked_s)
        finally:
            self._ended_s = self._now_s()
            self._rest_s = REST_PER_WORK * (self._ended_s - began_s)
