"""Python itself, set for a daemon whose threads hand work to each other and whose tree may hold many objects.

Speaks to the C library, as only `kernel_clock.py` does beside it; where it lacks something, that is left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import sys

# The writer's and the mount's threads need Python between their calls; the usual 5 ms would be most of a change's time.
SWITCH_S = 0.0002
# Looking through a tree of many files for garbage takes tens of milliseconds, in which nobody is answered.
GARBAGE_THRESHOLDS = 20_000, 20, 50
GIVE_BACK_EVERY_S = 30.0


def prepare() -> None:
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(*GARBAGE_THRESHOLDS)


async def watch() -> None:
    """For ever: what a whole store took on its way to another node was free and yet this process's, 33 MiB for one of
    16. Takes 0.05 ms when there is nothing to give back."""
    while True:
        await asyncio.sleep(GIVE_BACK_EVERY_S)
        await asyncio.to_thread(give_back)


def give_back() -> None:
    """To the system, memory that was used and is free (malloc_trim(3))."""
    with contextlib.suppress(AttributeError):  # not the GNU C library
        ctypes.CDLL(None).malloc_trim(0)
