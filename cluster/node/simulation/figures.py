"""Seeded figures of a host that is not there: the same name, seed and moment always give the same sample. Pure.

Loads follow the hours of a day and the days of a week, so that a chart of any timeframe looks like one. Names and
units are those of `cluster/node/samplers.py` and `rates.py`.
"""

from __future__ import annotations

import hashlib
import math
import random

from cluster.model import Sample

DAY_S, WEEK_S = 86400.0, 604800.0
GIB = 1 << 30
BOOTED_DAYS_MAX = 200


class Host:
    """One pretended host."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self._salt = f"{seed}/{name}"
        dice = random.Random(self._salt)
        self._cores = dice.choice((8, 16, 24, 32, 64))
        self._memory = dice.choice((32, 64, 128, 256)) * GIB
        self._disk = dice.choice((100, 200, 500)) * GIB
        self._base, self._swing = dice.uniform(0.04, 0.3), dice.uniform(0.1, 0.45)
        self._hour = dice.uniform(0.0, DAY_S)
        self._filled, self._occupied = dice.uniform(0.25, 0.7), dice.uniform(0.2, 0.75)
        self._uptime_s = dice.uniform(1.0, BOOTED_DAYS_MAX) * DAY_S
        self._traffic = dice.uniform(0.5e6, 40e6)

    def sample(self, now_s: float) -> Sample:
        """What this host would say at this moment (unix)."""
        cpu = self._cpu(now_s)
        load = cpu * self._cores * (0.9 + 0.3 * self._noise(now_s, 60.0, "load"))
        filled = self._filled + 0.08 * self._wave(now_s, DAY_S) + 0.03 * self._noise(now_s, 900.0)
        used = self._memory * min(0.96, filled)
        root = self._disk * min(0.97, self._occupied + 0.02 * self._wave(now_s, WEEK_S))
        traffic = self._traffic * (0.3 + 2 * cpu) * (0.6 + 0.8 * self._noise(now_s, 20.0, "net"))
        waits = max(0.0, self._noise(now_s, 40.0, "io") - 0.7) * 20
        return Sample(
            now_s,
            {
                "cpu": cpu,
                "wait": min(1.0, waits / 100),
                "maxcpu": self._cores,
                "loadavg1": load,
                "loadavg5": self._cpu(now_s - 150) * self._cores,
                "loadavg15": self._cpu(now_s - 450) * self._cores,
                "memtotal": self._memory,
                "memused": used,
                "memfree": (self._memory - used) * 0.4,
                "memavailable": self._memory - used,
                "swaptotal": 8 * GIB,
                "swapused": 8 * GIB * max(0.0, self._filled - 0.4) * 0.3,
                "swapfree": 8 * GIB * (1 - max(0.0, self._filled - 0.4) * 0.3),
                "roottotal": self._disk,
                "rootused": root,
                "rootavail": self._disk - root,
                "netin_rate": traffic,
                "netout_rate": traffic * (0.4 + 0.5 * self._noise(now_s, 30.0, "out")),
                "uptime": self._uptime_s + now_s % (30 * DAY_S),
                "pressurecpusome": max(0.0, cpu - 0.5) * 30,
                "pressureiosome": waits,
                "pressureiofull": waits * 0.6,
                "pressurememorysome": max(0.0, used / self._memory - 0.85) * 40,
                "pressurememoryfull": max(0.0, used / self._memory - 0.9) * 40,
            },
        )

    def _cpu(self, now_s: float) -> float:
        day = (1 + math.sin(2 * math.pi * (now_s - self._hour) / DAY_S)) / 2
        weekend = 0.5 if now_s % WEEK_S < 2 * DAY_S else 1.0
        spikes = max(0.0, self._noise(now_s, 300.0, "spike") - 0.75) * 1.6
        steady = self._base + self._swing * day * weekend
        return min(1.0, max(0.005, steady * (0.7 + 0.6 * self._noise(now_s, 12.0)) + spikes))

    def _wave(self, now_s: float, period_s: float) -> float:
        return math.sin(2 * math.pi * (now_s - self._hour) / period_s)

    def _noise(self, now_s: float, every_s: float, kind: str = "") -> float:
        """Between 0 and 1, smooth from one multiple of `every_s` to the next."""
        step, part = divmod(now_s, every_s)
        part = (1 - math.cos(math.pi * part / every_s)) / 2
        return self._dot(step, kind) * (1 - part) + self._dot(step + 1, kind) * part

    def _dot(self, step: float, kind: str) -> float:
        drawn = hashlib.blake2b(f"{self._salt}/{kind}/{step:.0f}".encode(), digest_size=4).digest()
        return int.from_bytes(drawn) / 0xFFFFFFFF
