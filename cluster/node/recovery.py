"""Watches over this node's store on its disk, and brings it back by itself when the disk works again.

A store whose disk failed takes no part in writing; here it is opened anew, verified, and joins the others again, after
a moment that grows with every try. What failed is told with what to do about it. Whether what is found can be
believed is `waking.py`'s word; what a page shows is `state.py`'s.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Callable

from cluster.core.replica import Phase
from cluster.errors import QuireError, Unavailable
from cluster.node.life import Life

LOOK_EVERY_S, LOOK_AGAIN_S = 0.5, 0.2  # the second while the store has failed: a look at the disk costs little
TRY_FIRST_S, TRY_MAX_S = 1.0, 30.0
WELL_AFTER_S = 60.0  # then the next failure is a new one, and not the last one again
PROBE_BYTES = 1 << 20  # what has to fit before it is worth trying

log = logging.getLogger(__name__)


class Recovery:
    """`trouble` says what is wrong with this node's disk or store, and what to do; "" when nothing is. `told` is called
    when that changes, `busy` says whether a workflow has the store."""

    def __init__(
        self, life: Life, busy: Callable[[], bool], told: Callable[[str], None], now_s: Callable[[], float]
    ) -> None:
        self.trouble = ""
        self._life, self._busy, self._told, self._now_s = life, busy, told, now_s
        self._stopped = False
        self._again_s, self._delay_s, self._well_since_s = 0.0, TRY_FIRST_S, -WELL_AFTER_S
        self._had_room, self._errno = True, 0

    async def watch(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_S if self.trouble and not self._stopped else LOOK_EVERY_S)
            if self._life.is_open and not self._busy():
                await self.look()

    async def look(self) -> None:
        """Once: is the store well, and if not, is it time to try again?"""
        life = self._life
        gone = life.disk.missing()
        if gone and life.replica.phase is not Phase.FAILED:
            life.fail(gone, damaged=False)
        if life.replica.phase is not Phase.FAILED:
            return
        if not self.trouble:
            self._has_failed()
        if not self._stopped and (self._now_s() >= self._again_s or self._room_was_made()):
            await self._try()

    def stop_for_good(self, sentence: str) -> None:
        """Nothing that this node could do by itself would help."""
        self._stopped = True
        self._life.fail(sentence, damaged=False)
        self._tell(
            f"{sentence} This node has stopped writing. Compare the nodes with 'pvecm verify', set the store of those"
            " that are wrong aside, and start all again."
        )

    def _room_was_made(self) -> bool:
        """On a disk that was full: somebody has just made room, which need not wait for the next try."""
        if self._errno != errno.ENOSPC:
            return False
        had_room, self._had_room = self._had_room, has_room(str(self._life.path.parent))
        return self._had_room and not had_room

    def _has_failed(self) -> None:
        if self._now_s() - self._well_since_s > WELL_AFTER_S:
            self._delay_s = TRY_FIRST_S
        self._again_s = self._now_s() + self._delay_s
        if self._life.damage:
            self._tell(f"This node's store cannot be trusted. {self._life.damage} It is set aside and filled anew.")
        else:
            self._tell_advice(self._life.replica.failed_errno)

    def _tell_advice(self, number: int) -> None:
        self._errno = number
        self._tell(advice(number, self._life.replica.reason, str(self._life.path.parent)))

    async def _try(self) -> None:
        life = self._life
        try:
            await self._probe()
            await life.wake_again()
        except QuireError as error:
            self._delay_s = min(TRY_MAX_S, self._delay_s * 2)
            self._again_s = self._now_s() + self._delay_s
            log.warning("The store cannot be opened again yet: %s", error.message)
        else:
            self._well_since_s = self._now_s()
            self._delay_s = min(TRY_MAX_S, self._delay_s * 2)
            self._tell("")

    async def _probe(self) -> None:
        """What a look at the disk says is more than the first error did, which was in the middle of its failing."""
        folder = str(self._life.path.parent)
        try:
            await asyncio.to_thread(probe, folder)
        except OSError as error:
            if not self._life.damage:
                self._tell_advice(error.errno or errno.EIO)
            raise Unavailable(f"{folder} cannot be written: {error.strerror}.") from None

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            log.warning("%s", trouble or "The store was opened again, and is well.")
            self.trouble = trouble
            self._told(trouble)


def advice(number: int, reason: str, folder: str) -> str:
    """What happened to a disk, and what to do."""
    goes_on = "This node goes on by itself then; meanwhile it is read-only and the others do without it."
    if number == errno.ENOSPC:
        return f"The disk with {folder} is full. Make room there. {goes_on}"
    if number == errno.EROFS:
        return f"The disk with {folder} is read-only. See why in the kernel's log, and mount it for writing. {goes_on}"
    return f"The store in {folder} failed. {reason} See the kernel's log for the state of the disk. {goes_on}"


def has_room(folder: str) -> bool:
    try:
        told = os.statvfs(folder)
    except OSError:
        return False
    return told.f_bavail * told.f_frsize > 2 * PROBE_BYTES


def probe(folder: str) -> None:
    """Does the disk take something and keep it? Raises OSError."""
    path = os.path.join(folder, ".probe")
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        left = memoryview(os.urandom(PROBE_BYTES))
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
        os.unlink(path)
