"""What else the machine does while something is measured: CPU time that nobody measured used, and the load.

Read from /proc; a figure without it says little on a shared machine.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import processes

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass
class Noise:
    """Filled when the measured stretch ends. `foreign_share`: of all cores' time, what was used by others."""

    foreign_share: float = 0.0
    load: float = 0.0


@contextlib.contextmanager
def noise(tag: str) -> Iterator[Noise]:
    """Processes that carry the tag, and this one with its children, are the measured ones; the rest is noise."""
    seen = Noise()
    busy_before, all_before, own_before = *machine_ticks(), own_ticks(tag)
    yield seen
    busy, whole, own = *machine_ticks(), own_ticks(tag)
    foreign = (busy - busy_before) - (own - own_before)
    seen.foreign_share = max(0.0, foreign / max(1, whole - all_before))
    seen.load = os.getloadavg()[0]


def machine_ticks() -> tuple[int, int]:
    """Busy ticks and all ticks since boot, over all cores (proc(5): /proc/stat)."""
    user, nice, system, idle, iowait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
    )
    busy = user + nice + system + irq + softirq + steal
    return busy, busy + idle + iowait


def own_ticks(tag: str) -> int:
    return sum(map(used_ticks, {*processes.tagged(tag), *family(os.getpid())}))


def family(pid: int) -> Iterable[int]:
    yield pid
    for child in processes.children(pid):
        yield from family(child)


def used_ticks(pid: int) -> int:
    """A process's own ticks and those of children it has collected."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))


def pss_mib(pid: int) -> float:
    """Proportional memory of a process: what it alone uses, and its share of what it shares."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
