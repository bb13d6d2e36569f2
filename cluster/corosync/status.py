"""What a corosync call answers: `cs_error_t` becomes `CorosyncError` here and nowhere else.

The numbers and names are those of corotypes.h. Two kinds of failure matter to callers beyond being told: try again soon
(`is_try_again`), and the connection is dead and only a new one helps (`is_lost`).
"""

from __future__ import annotations

from cluster.errors import CorosyncError

OK = 1
TRY_AGAIN = 6

NAMES = {
    1: "CS_OK",
    2: "CS_ERR_LIBRARY",
    3: "CS_ERR_VERSION",
    4: "CS_ERR_INIT",
    5: "CS_ERR_TIMEOUT",
    6: "CS_ERR_TRY_AGAIN",
    7: "CS_ERR_INVALID_PARAM",
    8: "CS_ERR_NO_MEMORY",
    9: "CS_ERR_BAD_HANDLE",
    10: "CS_ERR_BUSY",
    11: "CS_ERR_ACCESS",
    12: "CS_ERR_NOT_EXIST",
    13: "CS_ERR_NAME_TOO_LONG",
    14: "CS_ERR_EXIST",
    15: "CS_ERR_NO_SPACE",
    16: "CS_ERR_INTERRUPT",
    17: "CS_ERR_NAME_NOT_FOUND",
    18: "CS_ERR_NO_RESOURCES",
    19: "CS_ERR_NOT_SUPPORTED",
    20: "CS_ERR_BAD_OPERATION",
    21: "CS_ERR_FAILED_OPERATION",
    22: "CS_ERR_MESSAGE_ERROR",
    23: "CS_ERR_QUEUE_FULL",
    24: "CS_ERR_QUEUE_NOT_AVAILABLE",
    25: "CS_ERR_BAD_FLAGS",
    26: "CS_ERR_TOO_BIG",
    27: "CS_ERR_NO_SECTIONS",
    28: "CS_ERR_CONTEXT_NOT_FOUND",
    30: "CS_ERR_TOO_MANY_GROUPS",
    100: "CS_ERR_SECURITY",
}

# Corosync answers these while it synchronises with other nodes, or while a queue of its own is full.
_TRY_AGAIN = frozenset({"CS_ERR_TRY_AGAIN", "CS_ERR_BUSY", "CS_ERR_QUEUE_FULL", "CS_ERR_TIMEOUT"})
# A dead connection answers the first two; the third is a handle that somebody has closed.
_LOST = frozenset({"CS_ERR_LIBRARY", "CS_ERR_INIT", "CS_ERR_BAD_HANDLE"})


def check(call: str, code: int) -> None:
    """Pass on CS_OK; else raise `CorosyncError` naming the call."""
    if code != OK:
        raise CorosyncError(call, NAMES.get(code, f"cs_error_t {code}"))


def is_try_again(error: CorosyncError) -> bool:
    return error.status in _TRY_AGAIN


def is_refused(error: CorosyncError) -> bool:
    """Nothing was asked, so nothing is still to be answered."""
    return error.status == "CS_ERR_TRY_AGAIN"


def is_lost(error: CorosyncError) -> bool:
    return error.status in _LOST
