"""Keeps one engine connected: starts what runs under it, joins both groups, and comes back after a loss.

A workflow connects and waits for the outcome; a daemon that starts, or whose corosync died, keeps trying in the
background and says why it has not succeeded yet. What the engine tells goes to `on_event`; nothing is decided here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from cluster.engine.base import Engine, EngineEvent, EngineLost
from cluster.errors import QuireError
from cluster.node import board_messages, driver

GROUPS = (board_messages.GROUP, driver.GROUP)
RETRY_FIRST_S, RETRY_MAX_S = 0.3, 5.0

log = logging.getLogger(__name__)


class Service(Protocol):
    """What has to run under the engine; corosync's is `cluster/corosync/service.py`."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class NoService:
    """An engine that needs nothing under it."""

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        return


class Connection:
    """`problem` is a sentence while the engine should be connected and is not, else empty."""

    def __init__(self, engine: Engine, service: Service, on_event: Callable[[EngineEvent], None]) -> None:
        self.engine, self.service = engine, service
        self.connected = False
        self.problem = ""
        self._on_event = on_event
        self._retrying: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Neither connected nor trying to be."""
        return not self.connected and (self._retrying is None or self._retrying.done())

    async def connect(self) -> None:
        """Start and join now. Raises Unavailable with the reason; nothing is left half connected."""
        try:
            await self.service.start()
            await self.engine.start(self._hear)
            for group in GROUPS:
                await self.engine.join(group)
        except QuireError as error:
            self.problem = error.message
            await self.engine.stop()
            raise
        self.connected, self.problem = True, ""

    def keep_trying(self) -> None:
        """Connect in the background, again and again until it works."""
        if self._retrying is None or self._retrying.done():
            self._retrying = asyncio.get_running_loop().create_task(self._retry())

    async def disconnect(self, *, stop_service: bool) -> None:
        """Leave, and stop what runs under the engine when asked. A second call does nothing."""
        if self._retrying is not None:
            self._retrying.cancel()
            await asyncio.gather(self._retrying, return_exceptions=True)
            self._retrying = None
        await self.engine.stop()
        self.connected, self.problem = False, ""
        if stop_service:
            await self.service.stop()

    async def _retry(self) -> None:
        delay_s = RETRY_FIRST_S
        while not self.connected:
            try:
                await self.connect()
            except QuireError as error:
                log.warning("The engine is not connected yet: %s", error.message)
                await asyncio.sleep(delay_s)
                delay_s = min(RETRY_MAX_S, delay_s * 2)

    def _hear(self, event: EngineEvent) -> None:
        if isinstance(event, EngineLost):
            self.connected, self.problem = False, event.reason
        self._on_event(event)
        if isinstance(event, EngineLost):
            self.keep_trying()
