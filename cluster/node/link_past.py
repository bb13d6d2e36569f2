"""What every link's latency was: half a minute per step for an hour, ten minutes per step for a day, in memory alone.

Every node keeps what every node told, for it is asked for at any of them; it begins anew with the daemon. The figures
of now are `link_watch.py`'s.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Collection
from typing import Any

from cluster.model import LinkState
from cluster.node.rings import Shape

HOUR, DAY = Shape(30, 120), Shape(600, 144)
FRAMES = {"hour": HOUR, "day": DAY}
UNKNOWN, DOWN = math.nan, -1.0
LINES_MAX = 20_000  # of about a kilobyte each; a link beyond that has no past

End = tuple[int, int, int]  # the ids of the node that measures and of its peer, the link


class Line:
    """One end's means and greatest of one shape: `DOWN` for a step in which the link was down, NaN where nothing is
    known."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._means = array("f", [UNKNOWN]) * shape.count
        self._most = array("f", [UNKNOWN]) * shape.count
        self._step, self._sum, self._count = 0, 0.0, 0
        self._worked = False

    def add(self, now_s: float, latency_us: float | None, connected: bool) -> None:
        step = int(now_s) // self._shape.step_s
        if step < self._step:
            return
        self._clear_until(step)
        place = step % self._shape.count
        if connected and not self._worked:
            self._worked = True  # until now it was coming up, which is not being down
            self._means[place] = self._most[place] = UNKNOWN
        if not connected:
            self._means[place] = self._most[place] = DOWN
        elif latency_us is not None and self._means[place] != DOWN:
            self._sum, self._count = self._sum + latency_us, self._count + 1
            self._means[place] = self._sum / self._count
            most = self._most[place]
            self._most[place] = latency_us if math.isnan(most) else max(most, latency_us)

    def _clear_until(self, step: int) -> None:
        """Steps that were passed without a word hold nothing."""
        if step == self._step:
            return
        for passed in range(max(self._step + 1, step - self._shape.count + 1), step + 1):
            self._means[passed % self._shape.count] = self._most[passed % self._shape.count] = UNKNOWN
        self._step, self._sum, self._count = step, 0.0, 0

    def rows(self, now_s: float) -> list[dict[str, Any]]:
        """Oldest first, a row for each step there could be."""
        last = int(now_s) // self._shape.step_s
        return [self._row(step) for step in range(last - self._shape.count + 1, last + 1)]

    def _row(self, step: int) -> dict[str, Any]:
        kept = self._step - self._shape.count < step <= self._step
        mean, most = (array_[step % self._shape.count] if kept else UNKNOWN for array_ in (self._means, self._most))
        known = not math.isnan(mean) and mean != DOWN
        return {
            "time": step * self._shape.step_s,
            "latency_us": round(mean) if known else None,
            "latency_max_us": round(most) if known else None,
            "down": mean == DOWN,
        }


class LinkPast:
    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._lines: dict[End, dict[str, Line]] = {}

    def hear(self, node_id: int, states: tuple[LinkState, ...]) -> None:
        """What a node told of its links, as it came."""
        now_s = self._now_s()
        for state in states:
            end = (node_id, state.peer_id, state.link)
            if end not in self._lines and len(self._lines) < LINES_MAX:
                self._lines[end] = {frame: Line(shape) for frame, shape in FRAMES.items()}
            for line in self._lines.get(end, {}).values():
                line.add(now_s, state.latency_us, state.connected)

    def rows(self, node_id: int, peer_id: int, link: int, frame: str) -> list[dict[str, Any]]:
        """A row per step, whatever is known; times are unix, latencies microseconds."""
        known = self._lines.get((node_id, peer_id, link), {}).get(frame) or Line(FRAMES[frame])
        return known.rows(self._now_s())

    def forget(self, keep: Collection[int]) -> None:
        """Drop the past of nodes that are configured no longer."""
        for end in [end for end in self._lines if end[0] not in keep]:
            del self._lines[end]
