"""What the nodes' samples were, for an hour to ten years: rings in memory, and in a file per node in its own folder.

Every node keeps every node's, for an offline node's past is asked for too. New rows of the coarse rings go to disk
every few hours, the fine ring when the daemon ends; a crash loses a few hours of a chart. Rings are `rings.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cluster.model import Sample
from cluster.node.rings import ROW, Ring, Shape

MINUTE, HALF_HOUR, QUARTER_DAY, WEEK = Shape(60, 1440), Shape(1800, 1440), Shape(21600, 1440), Shape(604800, 570)
SHAPES = (MINUTE, HALF_HOUR, QUARTER_DAY, WEEK)
FRAMES: dict[str, tuple[Shape, int]] = {
    "hour": (MINUTE, 60),
    "day": (MINUTE, 1440),
    "week": (HALF_HOUR, 336),
    "month": (HALF_HOUR, 1440),
    "year": (QUARTER_DAY, 1440),
    "decade": (WEEK, 570),
}
KEEP_EVERY_S = 3 * 3600.0

log = logging.getLogger(__name__)


class Archive:
    """`name_of` gives the name of a node that is configured, else None."""

    def __init__(self, folder: Path, name_of: Callable[[int], str | None], now_s: Callable[[], float]) -> None:
        self._folder, self._name_of, self._now_s = folder, name_of, now_s
        self._rings: dict[str, dict[Shape, Ring]] = {}

    def hear(self, node_id: int, sample: Sample) -> None:
        """A node's sample, as it came. One from far in the future is not believed: nothing could follow it."""
        if (name := self._name_of(node_id)) is not None and sample.time_s < self._now_s() + MINUTE.step_s:
            self.add(name, sample.time_s, sample.values)

    def add(self, name: str, time_s: float, values: Mapping[str, float]) -> None:
        for ring in self.rings(name).values():
            ring.add(time_s, values)

    def history(self, name: str, frame: str, *, maximum: bool) -> list[dict[str, Any]]:
        """A row per step of the timeframe, oldest first; what was not measured is absent from its row."""
        shape, count = FRAMES[frame]
        last = int(self._now_s()) // shape.step_s * shape.step_s
        first = last - (count - 1) * shape.step_s
        known = dict(self.rings(name)[shape].read(first, maximum))
        return [{"time": time, **known.get(time, {})} for time in range(first, last + 1, shape.step_s)]

    def rename(self, former: str, name: str) -> None:
        """The figures of a node that has another name, unless they go by it already."""
        if former in self._rings:
            self._rings[name] = self._rings.pop(former)
        with contextlib.suppress(OSError):
            if self._path(former).exists():
                self._path(former).replace(self._path(name))

    def rings(self, name: str) -> dict[Shape, Ring]:
        if name not in self._rings:
            self._rings[name] = {shape: Ring(shape) for shape in SHAPES}
            self._load(name)
        return self._rings[name]

    # --- the files ----------------------------------------------------------------------------------------------------

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            self.keep(SHAPES[1:])

    async def close(self) -> None:
        self.keep(SHAPES)

    def keep(self, shapes: tuple[Shape, ...]) -> None:
        """Write what these rings have that their files have not. A disk that cannot is no reason to stop."""
        for name, rings in self._rings.items():
            try:
                self._folder.mkdir(mode=0o750, exist_ok=True)
                with open(self._path(name), "r+b" if self._path(name).exists() else "w+b") as file:
                    for shape in shapes:
                        _write(file, shape, rings[shape])
            except OSError as error:
                log.warning("The figures of %s are not kept: %s", name, error.strerror)

    def _load(self, name: str) -> None:
        with contextlib.suppress(OSError), open(self._path(name), "rb") as file:
            for shape in SHAPES:
                file.seek(_start(shape))
                data = file.read(shape.count * ROW.size)
                rows = [data[place : place + ROW.size] for place in range(0, len(data) - ROW.size + 1, ROW.size)]
                for row in sorted((row for row in rows if row[:4] != bytes(4)), key=_begun):
                    if _begun(row) <= self._now_s():
                        self._rings[name][shape].put(row)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.rings"


def _write(file: Any, shape: Shape, ring: Ring) -> None:
    """Each row has one place in the file, by its time; those that are there already are left alone."""
    for row in reversed(ring.rows):
        place = _start(shape) + _begun(row) // shape.step_s % shape.count * ROW.size
        file.seek(place)
        if file.read(4) == row[:4]:
            return
        file.seek(place)
        file.write(row)


def _start(shape: Shape) -> int:
    return sum(before.count * ROW.size for before in SHAPES[: SHAPES.index(shape)])


def _begun(row: bytes) -> int:
    return int.from_bytes(row[:4], "little")
