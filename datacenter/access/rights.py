"""What a user or token may, asked of the daemon: the only place of the site that asks.

An answer is kept for two seconds at most, so that a page with ten parts asks once, and a right that was taken away is
gone everywhere within that time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from cluster.control.access_requests import HeldRights
from datacenter import gateway

KEPT_SECONDS_MAX = 2.0
KEPT_MAX = 2048

_kept: OrderedDict[tuple[str, str], tuple[float, dict[str, int]]] = OrderedDict()


async def held(user: str, path: str) -> dict[str, int]:
    """Privilege → 1 where it holds below `path` as well, else 0. Raises what the daemon's silence raises."""
    now_s, key = asyncio.get_running_loop().time(), (user, path)
    found = _kept.get(key)
    if found is not None and now_s <= found[0]:
        return found[1]
    answer: dict[str, int] = await gateway.call(HeldRights(user=user, path=path))
    _kept[key] = (now_s + KEPT_SECONDS_MAX, answer)
    _kept.move_to_end(key)
    while len(_kept) > KEPT_MAX:
        _kept.popitem(last=False)
    return answer


def forget(user: str, path: str) -> None:
    """The next question about this is asked of the daemon."""
    _kept.pop((user, path), None)


def forget_all() -> None:
    _kept.clear()
