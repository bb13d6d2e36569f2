"""What each node's load was, minute by minute over the last hour, for the small curves in tables.

Read out of the archive once per minute and node, not all in the same moment; what is kept there is `archive.py`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from cluster.model import Trends
from cluster.node.archive import Archive

MINUTE_S, SPREAD_S = 60, 20
AGAIN_S = 5.0  # as long as there is nothing


class TrendBoard:
    def __init__(self, archive: Archive, now_s: Callable[[], float]) -> None:
        self._archive, self._now_s = archive, now_s
        self._known: dict[str, tuple[float, Trends]] = {}  # until when they hold

    def of(self, name: str) -> Trends:
        """Asked often: mostly what it was."""
        now_s = self._now_s()
        until_s, trends = self._known.get(name, (0.0, Trends()))
        if now_s < until_s:
            return trends
        rows = self._archive.history(name, "hour", maximum=False)[:-1]
        found = Trends(_line(rows, _cpu), _line(rows, _memory))
        next_s = now_s // MINUTE_S * MINUTE_S + MINUTE_S + zlib.crc32(name.encode()) % SPREAD_S
        self._known[name] = (next_s if found.cpu else now_s + AGAIN_S, found)
        return found


def _line(rows: list[dict[str, Any]], figure: Callable[[Mapping[str, Any]], float | None]) -> tuple[int | None, ...]:
    """Percent; nothing where nothing was heard for the whole hour."""
    shares = [figure(row) for row in rows]
    found = tuple(None if share is None else round(100 * min(1.0, max(0.0, share))) for share in shares)
    return found if any(each is not None for each in found) else ()


def _cpu(row: Mapping[str, Any]) -> float | None:
    return row.get("cpu")


def _memory(row: Mapping[str, Any]) -> float | None:
    used, whole = row.get("memused"), row.get("memtotal")
    return used / whole if used is not None and whole else None
