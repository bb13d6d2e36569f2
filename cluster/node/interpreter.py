"""Python itself, set for a daemon whose threads hand work to each other and whose tree may hold many objects."""

from __future__ import annotations

import gc
import sys

# The writer's and the mount's threads need Python between their calls; the usual 5 ms would be most of a change's time.
SWITCH_S = 0.0002
# Looking through a tree of many files for garbage takes tens of milliseconds, in which nobody is answered.
GARBAGE_THRESHOLDS = 20_000, 20, 50


def prepare() -> None:
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(*GARBAGE_THRESHOLDS)
