"""Figures over time in rings of fixed size: a row per step with the mean and the greatest of each figure. Pure.

A ring holds its newest `count` steps; a step without a sample is not there at all, so that a gap stays a gap. Which
rings a node has and where they lie is `archive.py`; the figures' names and units are those of `rates.py`.
"""

from __future__ import annotations

import math
import struct
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

COLUMNS = (
    "cpu", "wait", "maxcpu", "loadavg1", "memtotal", "memused", "memavailable", "swaptotal", "swapused", "roottotal",
    "rootused", "netin_rate", "netout_rate", "pressurecpusome", "pressureiosome", "pressureiofull",
    "pressurememorysome", "pressurememoryfull",
)  # fmt: skip
# When the step began (unix), the means, the greatest; what was not measured is NaN.
ROW = struct.Struct(f"<I{2 * len(COLUMNS)}f")
UNKNOWN = math.nan


@dataclass(frozen=True, slots=True)
class Shape:
    """Seconds per step, and how many steps are kept."""

    step_s: int
    count: int


class Ring:
    """One shape's rows of one node. Times never go back: a sample of a step that is over is not taken."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.rows: deque[bytes] = deque(maxlen=shape.count)
        self._step = 0  # the one under way; 0 before the first sample
        self._sums = [0.0] * len(COLUMNS)
        self._counts = [0] * len(COLUMNS)
        self._most = [UNKNOWN] * len(COLUMNS)

    def add(self, time_s: float, values: Mapping[str, float]) -> bool:
        """Take one sample; whether a step was completed by it."""
        step = int(time_s) // self.shape.step_s * self.shape.step_s
        if step < max(self._step, self._newest() + self.shape.step_s if self.rows else 0):
            return False
        completed = self._step != 0 and step > self._step
        if completed:
            self.rows.append(self._row())
        if step > self._step:
            self._begin(step)
        for place, name in enumerate(COLUMNS):
            if (value := values.get(name)) is not None:
                self._sums[place] += value
                self._counts[place] += 1
                self._most[place] = value if math.isnan(self._most[place]) else max(self._most[place], value)
        return completed

    def put(self, row: bytes) -> None:
        """A row kept from before; rows come in the order of their time."""
        if self._begun(row) > self._newest():
            self.rows.append(row)

    def read(self, first_s: float, maximum: bool) -> Iterator[tuple[int, dict[str, float]]]:
        """Rows from `first_s` on, oldest first, with the step under way at the end."""
        under_way = (self._row(),) if self._step else ()
        kept = takewhile(lambda row: self._begun(row) >= first_s, reversed(self.rows))
        for row in (*reversed(list(kept)), *under_way):
            begun, *figures = ROW.unpack(row)
            if begun >= first_s:
                chosen = figures[len(COLUMNS) :] if maximum else figures[: len(COLUMNS)]
                yield begun, {name: one for name, one in zip(COLUMNS, chosen, strict=True) if not math.isnan(one)}

    def _begin(self, step: int) -> None:
        self._step = step
        self._sums, self._counts = [0.0] * len(COLUMNS), [0] * len(COLUMNS)
        self._most = [UNKNOWN] * len(COLUMNS)

    def _row(self) -> bytes:
        means = [total / count if count else UNKNOWN for total, count in zip(self._sums, self._counts, strict=True)]
        return ROW.pack(self._step, *means, *self._most)

    def _newest(self) -> int:
        return self._begun(self.rows[-1]) if self.rows else 0

    @staticmethod
    def _begun(row: bytes) -> int:
        return int.from_bytes(row[:4], "little")
