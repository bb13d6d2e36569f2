"""Whether the kernel holds this host's clock for synchronised (adjtimex(2)), whichever program keeps it.

The C library is asked because Python has no name for it; where that cannot be, the answer is that nobody knows.
"""

from __future__ import annotations

import ctypes

ERROR_STATE = 5  # TIME_ERROR: not synchronised
_TIMEX_BYTES = 256  # struct timex is 208 on 64-bit machines; all zero asks and changes nothing


def synchronised() -> bool | None:
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        state = ctypes.CDLL(None).adjtimex(buffer)
    except (AttributeError, OSError):
        return None
    return None if state < 0 else bool(state != ERROR_STATE)
