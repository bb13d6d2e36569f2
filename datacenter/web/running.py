"""How a service ends: on SIGTERM or SIGINT, or because one of its parts has ended by itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


def stop_requested() -> asyncio.Event:
    """Set by the first signal. A second one changes nothing: stopping has begun and is bounded."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, event.set)
    return event


async def until_first(*works: Coroutine[Any, Any, Any]) -> int:
    """Run several; when the first has ended, cancel the rest. Returns its place; raises what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        first = next(place for place, task in enumerate(tasks) if task.done())
        tasks[first].result()
        return first
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
