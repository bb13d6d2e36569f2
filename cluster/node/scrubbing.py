"""Once an hour this node reads its whole store again, a little at a time, and compares it with checksums and memory.

Slices are read in a thread, with a rest after each that is longer than the slice took, so that nobody waits for it.
A finding ends the life of the store, which is then set aside and filled by the others (`recovery.py`). What one pass
reads is `cluster/store/scrub.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cluster.core.replica import Phase
from cluster.errors import Unavailable
from cluster.node.life import Life
from cluster.store.scrub import Scrub

REST_PER_WORK = 4.0  # so many times as long as a slice took
REST_MIN_S = 0.01

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """One pass. `time_s` (unix) is when it ended; no findings mean that all was as it should be."""

    time_s: float
    took_s: float
    rows: int
    findings: tuple[str, ...] = ()


class Scrubbing:
    """`last` is the newest report. Clocks and sleep are handed in; `every_s` 0 means never."""

    def __init__(
        self,
        life: Life,
        every_s: float,
        now_s: Callable[[], float],
        monotonic_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        passed: Callable[[], None],
    ) -> None:
        self.last: Report | None = None
        self._life, self._every_s, self._passed = life, every_s, passed
        self._now_s, self._monotonic_s, self._sleep = now_s, monotonic_s, sleep

    async def watch(self) -> None:
        """For ever."""
        while self._every_s:
            await self._sleep(self._every_s)
            if self._life.is_open and self._life.replica.phase is not Phase.FAILED:
                await self.scrub()

    async def scrub(self) -> Report | None:
        """One pass; None when the store changed hands meanwhile, or could not be read."""
        life, disk, began_s = self._life, self._life.disk, self._monotonic_s()
        scrub = Scrub(life.path, lambda inode: life.tree.entries.get(inode))
        try:
            while await self._slice(scrub):
                if life.disk is not disk:
                    return None
        except Unavailable as error:
            log.warning("The store could not be read to the end: %s", error.message)
            return None
        if life.disk is not disk:
            return None
        self.last = Report(self._now_s(), self._monotonic_s() - began_s, scrub.rows, tuple(scrub.findings))
        if scrub.findings:
            log.error("The store does not hold what was written to it: %s", scrub.findings[0])
            life.fail(scrub.findings[0], damaged=True)
        else:
            self._passed()
        return self.last

    async def _slice(self, scrub: Scrub) -> bool:
        began_s = self._monotonic_s()
        more = await asyncio.to_thread(scrub.next_slice)
        await self._sleep(max(REST_MIN_S, REST_PER_WORK * (self._monotonic_s() - began_s)))
        return more
