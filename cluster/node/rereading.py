"""Sees to it that the engine runs the configuration that is committed.

A workflow that changes corosync.conf has the engines read it. Where its member ends between the two, nobody else would,
and who edits the file at the mount asks nobody: then the members would run what is no longer written anywhere. The copy
on this host's disk is `own_files.py`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from cluster.errors import QuireError
from cluster.node.life import Life

LOOK_EVERY_S = 1.0
PATIENCE_S = 15.0  # a workflow that makes a change has the engines read it sooner, when everybody is ready for it
AGAIN_S = 60.0

log = logging.getLogger(__name__)


class Rereading:
    """`watch` for ever; `clock_s` is monotonic."""

    def __init__(self, name: str, life: Life, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._name, self._life, self._clock_s = name, life, clock_s
        self._read = 0  # the version it is known to run: it is asked nothing until there is another
        self._behind: tuple[int, float] | None = None  # the version it should run, and when it is asked to read it

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        committed = self._committed()
        if committed in (0, self._read):
            return
        running = await self._life.connection.engine.config_version()
        if running >= committed:
            self._read, self._behind = committed, None
        elif running:
            await self._give_time(running, committed)

    async def _give_time(self, running: int, committed: int) -> None:
        if self._behind is None or self._behind[0] != committed:
            self._behind = committed, self._clock_s() + PATIENCE_S
        if self._clock_s() >= self._behind[1]:
            self._behind = committed, self._clock_s() + AGAIN_S
            await self._reload(running, committed)

    def _committed(self) -> int:
        """The version of the configuration that names this node; 0 where there is none."""
        document = self._life.document() if self._life.is_open else None
        return 0 if document is None or document.node(self._name) is None else document.config_version

    async def _reload(self, running: int, committed: int) -> None:
        log.warning("The engine runs version %d of corosync.conf, not %d; it reads it again.", running, committed)
        try:
            await self._life.connection.engine.reload()
        except QuireError as error:
            log.warning("The engine has not read corosync.conf again: %s", error.message)
