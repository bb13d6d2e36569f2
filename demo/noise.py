"""What else the machine does while something is measured: CPU time that nobody measured used, and the load.

Read from /proc; a figure without it says little on a shared machine.
"""

from __future__ import annotations

import contextlib
import os
import time
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
    began, before = time.monotonic(), {pid: used_ticks(pid) for pid in processes.pids()}
    yield seen
    whole = (time.monotonic() - began) * TICKS_PER_S * (os.cpu_count() or 1)
    # Process 1 collects the orphans of both sides, so its account tells nothing.
    strangers = set(processes.pids()) - {1, *processes.tagged(tag), *family(os.getpid())}
    foreign = sum(max(0, used_ticks(pid) - before.get(pid, 0)) for pid in strangers)
    seen.foreign_share = foreign / whole
    seen.load = os.getloadavg()[0]


def family(pid: int) -> Iterable[int]:
    yield pid
    for child in processes.children(pid):
        yield from family(child)


def used_ticks(pid: int) -> int:
    """A process's own ticks and those of children it has collected (proc(5): /proc/PID/stat)."""
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
