"""Do locks exclude? Tokens rise from holder to holder, and nobody writes under a lock somebody else took over.

Judged by clients' own times: a guarded write that began after a later holder had its token must not be OK.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from tests.history.call import Call


def check(calls: Sequence[Call]) -> str | None:
    """A sentence when a token does not rise or a stale one was good enough, None when all is well."""
    for name in sorted({call.path for call in calls if call.kind == "lock"}):
        complaint = _check_lock(name, calls)
        if complaint is not None:
            return complaint
    return None


def _check_lock(name: str, calls: Sequence[Call]) -> str | None:
    taken = sorted((c for c in calls if c.kind == "lock" and c.path == name and c.outcome == "OK"),
                   key=attrgetter("returned_s"))  # fmt: skip
    uses = [c for c in calls if c.lock == name and c.outcome == "OK"]
    for call in sorted([*taken, *uses], key=attrgetter("invoked_s")):
        highest = max((one.token for one in taken if one.returned_s < call.invoked_s), default=0)
        if call.token < highest + (call.kind == "lock"):
            return f"{call} with token {call.token}, although {name} had been taken with token {highest} before"
    return None
