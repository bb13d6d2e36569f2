"""Turns two readings of one node into the sample its peers and pages see: instants as they are, counters as rates.

The metrics it starts from are in `samplers.py`; how often to read is the daemon's business.
"""

from __future__ import annotations

from cluster.model import Sample
from cluster.node.samplers import METRICS, Metric, read_figures

RATES = (
    Metric("cpu", "share"),
    Metric("wait", "share"),
    Metric("netin_rate", "bytes/s"),
    Metric("netout_rate", "bytes/s"),
)
SHARED: dict[str, Metric] = {name: metric for name, metric in METRICS.items() if metric.kind == "instant"} | {
    metric.name: metric for metric in RATES
}


class Readings:
    """One node's samples in a row: each is compared with the one before."""

    def __init__(self) -> None:
        self._before: Sample | None = None

    def next(self, now_s: float) -> Sample:
        """Read this host now (unix time `now_s`). The first one has no rates."""
        now = Sample(now_s, read_figures())
        shared = sample_between(self._before, now)
        self._before = now
        return shared


def sample_between(before: Sample | None, now: Sample) -> Sample:
    """`now`'s instants, and its counters compared with `before`'s as rates. Without a `before`, or after a counter
    fell (a restart of the host), the rates are absent."""
    values = {name: value for name, value in now.values.items() if name in SHARED}
    if before is None:
        return Sample(now.time_s, values)
    total_s = _rise(before, now, "cpu_total_s")
    for rate, counter in (("cpu", "cpu_busy_s"), ("wait", "cpu_wait_s")):
        rise = _rise(before, now, counter)
        if rise is not None and total_s:
            values[rate] = min(rise / total_s, 1.0)
    elapsed_s = now.time_s - before.time_s
    for rate, counter in (("netin_rate", "netin"), ("netout_rate", "netout")):
        rise = _rise(before, now, counter)
        if rise is not None and elapsed_s > 0:
            values[rate] = rise / elapsed_s
    return Sample(now.time_s, values)


def _rise(before: Sample, now: Sample, counter: str) -> float | None:
    if counter not in before.values or counter not in now.values:
        return None
    rise = now.values[counter] - before.values[counter]
    return rise if rise >= 0 else None
