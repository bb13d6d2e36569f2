"""A past for a pretended host: rows as its rings would hold them if it had been heard for a year."""

from __future__ import annotations

from collections.abc import Mapping

from cluster.node.rings import COLUMNS, ROW, Ring, Shape
from cluster.node.simulation.figures import Host

PEAK = 1.15  # how far above its mean a step's greatest figure lies
VARIES = {"cpu", "wait", "loadavg1", "netin_rate", "netout_rate"}


def fill(rings: Mapping[Shape, Ring], host: Host, now_s: float) -> None:
    """Each ring from its beginning to the step before this one; with a gap of two hours, a week ago."""
    for shape, ring in rings.items():
        last = int(now_s) // shape.step_s * shape.step_s
        rows = []
        for step in range(max(last - shape.count * shape.step_s, shape.step_s), last, shape.step_s):
            if not 0 < step - (now_s - 604800) < 7200:
                rows.append(_row(host, step, shape.step_s))
        for row in rows:
            ring.put(row)


def _row(host: Host, step: int, lasts_s: int) -> bytes:
    values = host.sample(step + lasts_s / 2).values
    means = [values[name] for name in COLUMNS]
    most = [values[name] * PEAK if name in VARIES else values[name] for name in COLUMNS]
    return ROW.pack(step, *means, *most)
