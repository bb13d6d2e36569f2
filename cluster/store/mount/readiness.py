"""Waits for the kernel's next request, at less cost when one is there already.

pyfuse3's face for asyncio puts a reader on the loop and takes it off again for every single request. Under load the
next request is usually waiting by then; so it is looked for first, and a few in a row are taken without the loop.
"""

from __future__ import annotations

import asyncio
import select

import pyfuse3.asyncio

IN_A_ROW_MAX = 8  # then everything else on the loop has its turn

_wait_on_loop = pyfuse3.asyncio.wait_readable


class Readiness:
    def __init__(self) -> None:
        self._in_a_row = 0
        self._polled: tuple[int, select.poll] | None = None

    async def wait_readable(self, fd: int) -> None:
        if self._in_a_row >= IN_A_ROW_MAX:
            self._in_a_row = 0
            await asyncio.sleep(0)
        if self._is_readable(fd):
            self._in_a_row += 1
            return
        self._in_a_row = 0
        await _wait_on_loop(fd)

    def _is_readable(self, fd: int) -> bool:
        if self._polled is None or self._polled[0] != fd:
            self._polled = (fd, select.poll())
            self._polled[1].register(fd, select.POLLIN)
        return bool(self._polled[1].poll(0))


def use() -> None:
    """Have pyfuse3 wait like this. After `pyfuse3.asyncio.enable()`."""
    pyfuse3.asyncio.wait_readable = Readiness().wait_readable
