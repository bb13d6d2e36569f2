"""Waits for a library call no longer than one is willing to: corosync's libraries themselves wait without end.

Each call has a thread of its own. When corosync does not answer (it is stopped, or busy beyond reason) the thread is
left behind and the caller hears `Unavailable`; a few such threads are the bound, then further calls fail at once.
What is asked again and again fails earlier, so that it cannot keep out what is asked once; closing is never refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from cluster.errors import Unavailable

T = TypeVar("T")
STUCK_MAX = 8
STUCK_MAX_FOR_POLLS = 2

_stuck: set[threading.Thread] = set()


async def bounded(
    call: Callable[[], T],
    timeout_s: float,
    what: str,
    discard: Callable[[T], None] | None = None,
    stuck_max: int | None = STUCK_MAX,
) -> T:
    """The result of `call`, which runs in a thread. Raises what it raises, or Unavailable naming `what` in time.

    A result that comes after the caller gave up goes to `discard`, in a thread too: a connection must be closed.
    `stuck_max`: with so many calls left behind this one is not begun; None: begun in any case.
    """
    _stuck.intersection_update([thread for thread in _stuck if thread.is_alive()])
    if stuck_max is not None and len(_stuck) >= stuck_max:
        raise Unavailable(f"{what}: corosync has left {len(_stuck)} earlier questions unanswered")
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def succeed(result: T) -> None:
        if not outcome.done():
            outcome.set_result(result)
        elif discard is not None:
            threading.Thread(target=discard, args=(result,), daemon=True).start()

    def fail(error: BaseException) -> None:
        if not outcome.done():
            outcome.set_exception(error)

    def run() -> None:
        # A closed loop raises RuntimeError: then nobody waits any more.
        with contextlib.suppress(RuntimeError):
            try:
                result = call()
            except BaseException as error:
                loop.call_soon_threadsafe(fail, error)
            else:
                loop.call_soon_threadsafe(succeed, result)

    thread = threading.Thread(target=run, name=f"corosync: {what}", daemon=True)
    thread.start()
    try:
        return await asyncio.wait_for(outcome, timeout_s)
    except TimeoutError:
        _stuck.add(thread)
        raise Unavailable(f"{what}: corosync did not answer within {timeout_s:g} s") from None
