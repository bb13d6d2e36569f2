"""What every link's latency was: half a minute per step for an hour, ten minutes per step for a day, in memory alone.

Every node keeps what every node told, for it is asked for at any of them; it begins anew with the daemon. The figures
of now are `link_watch.py`'s.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from cluster.model import LinkState
from cluster.node.rings import Shape

HOUR, DAY = Shape(30, 120), Shape(600, 144)
FRAMES = {"hour": HOUR, "day": DAY}
UNKNOWN, DOWN = math.nan, -1.0
ENDS_MAX = 20_000  # of about two kilobytes each; a link beyond that has no past

End = tuple[int, int, int]  # the ids of the node that measures and of its peer, the link


@dataclass(slots=True)
class Told:
    """What was told of a link within one of the shortest steps, the one of this number."""

    step: int = 0
    sum_us: float = 0.0
    count: int = 0
    most_us: float = 0.0
    down: bool = False


class Line:
    """One end's means and greatest of one shape: `DOWN` for a step in which the link was down, NaN where nothing is
    known."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._means = array("f", [UNKNOWN]) * shape.count
        self._most = array("f", [UNKNOWN]) * shape.count
        self._step, self._sum, self._count = 0, 0.0, 0

    def add(self, told: Told) -> None:
        step = self._step_of(told.step)
        if step < self._step:
            return
        self._clear_until(step)
        place = step % self._shape.count
        if told.down:
            self._means[place] = self._most[place] = DOWN
        elif told.count and self._means[place] != DOWN:
            self._sum, self._count = self._sum + told.sum_us, self._count + told.count
            self._means[place] = self._sum / self._count
            most = self._most[place]
            self._most[place] = told.most_us if math.isnan(most) else max(most, told.most_us)

    def forget(self, told_step: int) -> None:
        """What was told so far in the step that is not over."""
        if (step := self._step_of(told_step)) == self._step:
            self._means[step % self._shape.count] = self._most[step % self._shape.count] = UNKNOWN

    def _step_of(self, told_step: int) -> int:
        return told_step * HOUR.step_s // self._shape.step_s

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


class Past:
    """One end's. A thousand ends are told of in each second of a large cluster: what is told is kept as a sum, and
    comes into the lines when its step is over or somebody looks."""

    __slots__ = ("_lines", "_told", "_worked")

    def __init__(self) -> None:
        self._lines = {frame: Line(shape) for frame, shape in FRAMES.items()}
        self._told, self._worked = Told(), False

    def add(self, step: int, latency_us: float | None, connected: bool) -> None:
        told = self._told
        if step > told.step:
            self._settle(step)
            told = self._told
        elif step < told.step:
            return
        if not connected:
            told.down = True
        elif not self._worked:
            self._work()
        if connected and latency_us is not None:
            told.sum_us += latency_us
            told.count += 1
            told.most_us = max(told.most_us, latency_us)

    def rows(self, frame: str, now_s: float) -> list[dict[str, Any]]:
        self._settle(self._told.step)
        return self._lines[frame].rows(now_s)

    def _work(self) -> None:
        """For the first time: until now it was coming up, which is not being down."""
        self._worked, self._told.down = True, False
        for line in self._lines.values():
            line.forget(self._told.step)

    def _settle(self, next_step: int) -> None:
        for line in self._lines.values():
            line.add(self._told)
        self._told = Told(next_step)


class LinkPast:
    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._ends: dict[End, Past] = {}

    def hear(self, node_id: int, states: tuple[LinkState, ...]) -> None:
        """What a node told of its links, as it came."""
        step = int(self._now_s()) // HOUR.step_s
        for state in states:
            past = self._ends.get((node_id, state.peer_id, state.link)) or self._begin(node_id, state)
            if past is not None:
                past.add(step, state.latency_us, state.connected)

    def _begin(self, node_id: int, state: LinkState) -> Past | None:
        if len(self._ends) >= ENDS_MAX:
            return None
        return self._ends.setdefault((node_id, state.peer_id, state.link), Past())

    def rows(self, node_id: int, peer_id: int, link: int, frame: str) -> list[dict[str, Any]]:
        """A row per step, whatever is known; times are unix, latencies microseconds."""
        return (self._ends.get((node_id, peer_id, link)) or Past()).rows(frame, self._now_s())

    def forget(self, keep: Collection[int]) -> None:
        """Drop the past of nodes that are configured no longer."""
        for end in [end for end in self._ends if end[0] not in keep]:
            del self._ends[end]
