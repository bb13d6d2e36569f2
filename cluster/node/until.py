"""Waiting, with a bound, for what nobody tells of. Knows nothing of what is waited for; a workflow waits for a member's
store with `cluster/workflow/waiting.py`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from cluster.errors import Unavailable

LOOK_EVERY_S = 0.02


async def until(holds: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
    """Returns when it holds. Raises Unavailable with the sentence `otherwise`."""
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline_s:
            raise Unavailable(otherwise)
        await asyncio.sleep(LOOK_EVERY_S)
