"""Carries changes from the daemon to the channel layer, for the open pages to hear of them.

The daemon hands a change over and goes on; here it waits in a bounded queue. When the layer (Redis) does not take
changes, the oldest are dropped: a page that sees a gap in the numbers asks for a new snapshot. A failing layer is
tried again for ever, and said once in the log. What a page does with a change is `datacenter/live/`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any

from cluster.model import Change

logger = logging.getLogger(__name__)

GROUP = "live"
WAITING_MAX = 1000
SEND_SECONDS_MAX = 2.0
RETRY_SECONDS_FIRST = 0.1
RETRY_SECONDS_MAX = 1.0


class Forwarder:
    """`offer` changes to it; it sends them to the group in order while it runs. `source` names the daemon's life."""

    def __init__(self, layer: Any, source: str = "") -> None:
        self.layer = layer
        self.source = source
        self._waiting: deque[dict[str, Any]] = deque(maxlen=WAITING_MAX)
        self._offered = asyncio.Event()
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="forward changes")

    async def stop(self) -> None:
        """Send no more. What waits is dropped: who reconnects starts from a snapshot."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def offer(self, change: Change | dict[str, Any]) -> None:
        """Take a change, as the daemon has it or as its control socket sends it. Returns at once."""
        self._waiting.append(_plain(change) if isinstance(change, Change) else change)
        self._offered.set()

    async def _run(self) -> None:
        pause_s = RETRY_SECONDS_FIRST
        while True:
            await self._offered.wait()
            while self._waiting:
                change = self._waiting.popleft()
                if await self._sent(change):
                    pause_s = RETRY_SECONDS_FIRST
                    continue
                if len(self._waiting) < WAITING_MAX:
                    self._waiting.appendleft(change)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_SECONDS_MAX)
            self._offered.clear()

    async def _sent(self, change: dict[str, Any]) -> bool:
        message = {"type": "live.change", "change": change, "source": self.source}
        try:
            # Not wait_for, which in Python 3.11 can swallow a cancellation that comes just as the layer is done.
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await self.layer.group_send(GROUP, message)
        except Exception as error:  # a layer raises what its transport raises
            if not self._failing:
                logger.warning("live updates are paused, the channel layer does not take them: %s", _name(error))
            self._failing = True
            return False
        if self._failing:
            logger.warning("live updates go on")
        self._failing = False
        return True


def _plain(change: Change) -> dict[str, Any]:
    """Its value is plain already, and large."""
    return {"number": change.number, "topic": change.topic, "value": change.value, "at_s": change.at_s}


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
