"""The measured nodes: three hosts with real corosync, each with a disk of its own, in one cluster; and what uses them.

corosync runs at ordinary priority here. It asks for real-time priority, which three of them on one machine would take
from the very daemons they serve; on a host of its own it takes it from nobody.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.bench.disks import Disk, disks
from demo.noise import family, used_ticks
from demo.visitor import ROOT, Visit, Visited, visit
from lab import processes
from lab.hosts import Lab

NAMES = ["alpha", "beta", "gamma"]
LOAD = str(ROOT / "demo/bench/load.py")


@dataclass
class Stretch:
    """One measured stretch: what others used of the machine meanwhile, and the bytes each disk was given."""

    foreign_share: float = 0.0
    load: float = 0.0
    written: dict[str, int] = field(default_factory=dict)


@dataclass
class Nodes:
    visit: Visit
    lab: Lab
    disks: dict[str, Disk]

    @property
    def first(self) -> Visited:
        return self.visit.first

    @property
    def last(self) -> Visited:
        return self.visit[NAMES[-1]]

    def generate(self, node: Visited, *words: object, timeout_s: float = 120) -> dict[str, Any]:
        """What `load.py` measured inside a node."""
        return inside(node, sys.executable, LOAD, *map(str, words), timeout_s=timeout_s)

    def floor(self, node: Visited, *words: object) -> dict[str, Any]:
        return inside(node, sys.executable, "-m", "demo.bench.floors", *map(str, words), timeout_s=60)

    @contextlib.contextmanager
    def stretch(self) -> Iterator[Stretch]:
        seen = Stretch()
        disk_before = {name: disk.written() for name, disk in self.disks.items()}
        busy_before, whole_before, own_before = *machine_ticks(), self._own_ticks()
        yield seen
        busy, whole, own = *machine_ticks(), self._own_ticks()
        foreign = (busy - busy_before) - (own - own_before)
        seen.foreign_share = max(0.0, foreign / max(1, whole - whole_before))
        seen.load = os.getloadavg()[0]
        seen.written = {name: disk.written() - disk_before[name] for name, disk in self.disks.items()}

    def _own_ticks(self) -> int:
        """Of everything that belongs to this run: the hosts with all that runs in them, and this with its children."""
        ours = {*family(os.getpid()), *processes.tagged(f"QUIRE_DEMO={self.visit.state}")}
        for name in NAMES:
            ours |= self.lab.processes(name).keys()
        return sum(map(used_ticks, ours))


def machine_ticks() -> tuple[int, int]:
    """Busy ticks and all ticks since boot, over all cores (proc(5): /proc/stat)."""
    user, nice, system, idle, iowait, irq, softirq, steal = map(
        int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:9]
    )
    busy = user + nice + system + irq + softirq + steal
    return busy, busy + idle + iowait


def inside(node: Visited, *words: str, timeout_s: float) -> dict[str, Any]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [*node.enter, *words], env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"{' '.join(words[1:4])} failed: {ran.stderr.strip()[-500:]}")
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


@contextlib.contextmanager
def nodes() -> Iterator[Nodes]:
    base = Path(tempfile.mkdtemp(prefix="quire-b"))
    state = base / "state"
    lab: Lab | None = None
    try:
        with disks(base / "disks", NAMES) as made:
            state.mkdir()
            for name in NAMES:
                (made[name].folder / "state").mkdir()
                # Where the demo moves the hosts' files when it ends: not to another disk, which rename(2) cannot.
                (base / "kept" / name).mkdir(parents=True)
                (made[name].folder / "state/host").symlink_to(base / "kept" / name)
                # The demo takes down what is mounted below its state, so the disks are elsewhere.
                (state / name).symlink_to(made[name].folder / "state")
            with visit(state, len(NAMES), "corosync") as here:
                here.form()
                lab = Lab.at(str(state.resolve() / "lab"))
                lower_priority(lab)
                yield Nodes(here, lab, made)
    finally:
        if lab is not None:
            Lab.sweep(lab.name, lab.base)  # has nothing to do, unless the demo failed to end in order
        shutil.rmtree(base, ignore_errors=True)


def lower_priority(lab: Lab) -> None:
    for name in NAMES:
        for pid, command in lab.processes(name).items():
            if command.startswith("corosync"):
                subprocess.run(["chrt", "--all-tasks", "--other", "--pid", "0", str(pid)], check=True, timeout=10)
