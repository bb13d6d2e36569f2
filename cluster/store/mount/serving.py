"""Takes the kernel's requests in a thread of its own and answers them; what must wait for the cluster goes to the loop.

So reading needs nothing of the daemon's event loop, however busy that is, and a change costs it one visit. Whatever
the answers are made of is guarded by one lock, held while an answer is made and never while anything is waited for.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import threading

from cluster.store.mount import protocol
from cluster.store.mount.answers import Failure, Later
from cluster.store.mount.calls import CALLS, Answer
from cluster.store.mount.channel import LOOKS, Channel
from cluster.store.mount.notices import Notices
from cluster.store.mount.operations import StoreFileSystem

STOP_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class Serving:
    """One thread for one channel. Made on the event loop that it hands over to."""

    def __init__(self, channel: Channel, fs: StoreFileSystem, lock: threading.Lock, notices: Notices) -> None:
        self._channel, self._fs, self._lock, self._notices = channel, fs, lock, notices
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Task[None]] = set()
        self._ending = False
        self._thread = threading.Thread(target=self._serve_forever, name="mount-requests", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give_up_waiting(self) -> None:
        """Whoever waits for the cluster is told that nobody knows, and so is whoever comes after."""
        self._ending = True
        for task in self._waiting:
            task.cancel()

    def stop(self) -> bool:
        """Returns whether the thread has ended. Not for the loop's thread."""
        self._channel.ring()
        self._thread.join(STOP_TIMEOUT_S)
        return not self._thread.is_alive()

    # --- in the thread ----------------------------------------------------------------------------------------------

    def _serve_forever(self) -> None:
        looks = LOOKS
        while (received := self._channel.receive(looks)) is not None:
            # While the loop has a change to make it needs the interpreter more than this thread does to look around.
            looks = 0 if self._serve(received) or self._waiting else LOOKS

    def _serve(self, received: memoryview) -> bool:
        """Answer a request; returns True when the answer is the loop's to give."""
        request = protocol.parse(received)
        call = CALLS.get(request.opcode)
        if call is None:
            self._channel.reply(request.unique, failure=errno.ENOSYS)
            return False
        try:
            with self._lock:
                answer = call(self._fs, request)
        except Failure as failure:
            self._channel.reply(request.unique, failure=failure.errno)
        except Exception:
            log.exception("Request %d of the kernel could not be answered.", request.opcode)
            self._channel.reply(request.unique, failure=errno.EIO)
        else:
            if isinstance(answer, Later):
                return self._hand_over(request.unique, answer)
            if answer is not None:
                self._channel.reply(request.unique, answer)
        return False

    def _hand_over(self, unique: int, answer: Later[bytes]) -> bool:
        self._notices.hold(answer.holds)
        try:
            self._loop.call_soon_threadsafe(self._begin, unique, answer)
        except RuntimeError:  # the loop is closed
            self._channel.reply(unique, failure=errno.EIO)
            return False
        return True

    # --- on the loop ------------------------------------------------------------------------------------------------

    def _begin(self, unique: int, answer: Later[bytes]) -> None:
        task = self._loop.create_task(self._answer_later(unique, answer))
        self._waiting.add(task)
        task.add_done_callback(lambda ended: self._ended(unique, answer, ended))

    def _ended(self, unique: int, answer: Later[bytes], task: asyncio.Task[None]) -> None:
        self._waiting.discard(task)
        if task.cancelled():
            self._channel.reply(unique, failure=errno.EIO)
        self._notices.let_go(answer.holds)

    async def _answer_later(self, unique: int, answer: Later[bytes]) -> None:
        try:
            made = await self._work(answer)
        except Failure as failure:
            self._channel.reply(unique, failure=failure.errno)
        except Exception:
            log.exception("A request of the kernel could not be answered.")
            self._channel.reply(unique, failure=errno.EIO)
        else:
            if answer.holds:
                self._channel.reply(unique, made or b"")
            else:
                self._notices.reply_after(unique, made or b"")

    async def _work(self, answer: Answer) -> bytes | None:
        while isinstance(answer, Later):
            if self._ending:
                raise Failure(errno.EIO)
            told = await answer.work()
            with self._lock:
                answer = answer.then(told)
        return answer
