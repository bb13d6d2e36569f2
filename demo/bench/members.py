"""How large a cluster may be: many hosts on this machine, each with corosync and a daemon, joined one after another.

Every figure is of one run. All nodes share this machine's cores, so times are upper bounds of what hosts of their own
would need, and what is said to break first breaks first here. Knows nothing of how a daemon does what is measured.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.control.blocking import BlockingClient
from cluster.control.requests import Subscribe
from cluster.errors import QuireError
from demo.bench.nodes import machine_ticks
from demo.nodes import Demo
from demo.noise import TICKS_PER_S, pss_mib, used_ticks
from demo.places import LabPlaces
from demo.visitor import Refused, Visit, Visited
from lab.hosts import Lab

IDLE_S = 15.0
JOINING_S = 900.0  # of a cluster; what has not joined by then does not
JOIN_S, LOOK_EVERY_S = 240.0, 0.25  # looking twenty times a second would take a tenth of the two cores
SEEN_S = 60.0  # until every daemon has to have seen a change
KILLS = 3
# All namespaces of a machine share one table of neighbours, which holds 1024 unless the kernel is told otherwise.
NEIGHBOURS = [Path(f"/proc/sys/net/ipv4/neigh/default/gc_thresh{number}") for number in (1, 2, 3)]


@dataclass
class Grown:
    """What one cluster of so many nodes came to. `broke` is what went wrong first, as a sentence."""

    nodes: int
    start_s: float = 0.0
    create_s: float = 0.0
    joins_s: list[float] = field(default_factory=list)
    left_s: list[float] = field(default_factory=list)  # a daemon ends → all others show it, one for each of them
    hung_s: list[float] = field(default_factory=list)  # the same for a corosync, whose token has to run out
    daemon_mib: list[float] = field(default_factory=list)
    corosync_mib: list[float] = field(default_factory=list)
    daemon_cpu: list[float] = field(default_factory=list)  # of a core, while nothing happens
    corosync_cpu: list[float] = field(default_factory=list)
    machine_busy: float = 0.0  # while joining, of all cores
    broke: str = ""


def grow(count: int) -> Grown:
    grown = Grown(count)
    with _hosts(count, grown) as (here, lab):
        busy_before, whole_before = machine_ticks()
        try:
            grown.create_s = here.create(**_links(lab, here.first.name))
            _lower_priority(lab, here.first.name)
            began_s = time.monotonic()
            for name in list(here.nodes)[1:]:
                if time.monotonic() - began_s > JOINING_S:
                    grown.broke = f"Not all had joined within {JOINING_S:.0f} s on this machine."
                    break
                grown.joins_s.append(here.join(name, timeout_s=JOIN_S, pause_s=LOOK_EVERY_S, **_links(lab, name)))
                _lower_priority(lab, name)
                print(f"bench: {name} joined in {grown.joins_s[-1]:.1f} s", file=sys.stderr, flush=True)
        except (AssertionError, Refused, OSError) as error:
            grown.broke = f"With {len(grown.joins_s) + 1} nodes: {error}"[:400]
        busy, whole = machine_ticks()
        grown.machine_busy = (busy - busy_before) / max(1, whole - whole_before)
        members = list(here.nodes.values())[: len(grown.joins_s) + 1]
        with contextlib.suppress(AssertionError):
            _measure(members, here, lab, grown)
    return grown


def _measure(members: list[Visited], here: Visit, lab: Lab, grown: Grown) -> None:
    try:
        here.await_online(len(members), members, SEEN_S)
    except AssertionError as error:
        grown.broke = grown.broke or f"With {len(members)} nodes: {error}"[:400]
        raise
    _at_rest(members, lab, grown)
    for last in members[-KILLS:]:
        others = [node for node in members if node is not last]
        grown.left_s += _until_all_see(others, last.name, False, last.kill)
        last.start_again()
        here.await_online(len(members), members, SEEN_S)
    last, others = members[-1], members[:-1]
    grown.hung_s += _until_all_see(others, last.name, False, lambda: _halt_corosync(lab, last.name))


@contextlib.contextmanager
def _hosts(count: int, grown: Grown) -> Iterator[tuple[Visit, Lab]]:
    state = Path(tempfile.mkdtemp(prefix="quire-m"))
    places = LabPlaces(state, [f"n{number:02}" for number in range(1, count + 1)])
    demo = Demo(state, places, keep=False)
    try:
        with _room_for_neighbours(4 * count * count):
            began = time.monotonic()
            demo.start()
            grown.start_s = time.monotonic() - began
            yield Visit(json.loads(demo.as_json()), state, os.getpid()), Lab.at(str(state / "lab"))
    finally:
        demo.stop()
        shutil.rmtree(state, ignore_errors=True)


@contextlib.contextmanager
def _room_for_neighbours(entries: int) -> Iterator[None]:
    """Hosts of their own have a table each; here all have one, and where it is full a peer cannot be reached."""
    before = [file.read_text() for file in NEIGHBOURS]
    for file, kept in zip(NEIGHBOURS, before, strict=True):
        file.write_text(str(max(int(kept), entries)))
    try:
        yield
    finally:
        for file, kept in zip(NEIGHBOURS, before, strict=True):
            file.write_text(kept)


def _links(lab: Lab, name: str) -> dict[str, Any]:
    return {f"link{number}": lab.address(name, number) for number in (0, 1)}


def _corosync(lab: Lab, name: str) -> int:
    return next(pid for pid, command in lab.processes(name).items() if command.startswith("corosync"))


def _lower_priority(lab: Lab, name: str) -> None:
    """See `nodes.py`: on one machine real-time corosyncs would take it from the daemons they serve."""
    pid = str(_corosync(lab, name))
    subprocess.run(["chrt", "--all-tasks", "--other", "--pid", "0", pid], check=True, timeout=10)


def _halt_corosync(lab: Lab, name: str) -> None:
    """It stands still, as a host that hangs: killed, it would be started again before its token runs out."""
    os.kill(_corosync(lab, name), signal.SIGSTOP)


def _at_rest(members: list[Visited], lab: Lab, grown: Grown) -> None:
    engines = [_corosync(lab, node.name) for node in members]
    daemons = [node.pid for node in members]
    before = {pid: used_ticks(pid) for pid in (*engines, *daemons)}
    time.sleep(IDLE_S)
    share = {pid: (used_ticks(pid) - ticks) / TICKS_PER_S / IDLE_S for pid, ticks in before.items()}
    grown.daemon_cpu, grown.corosync_cpu = [share[pid] for pid in daemons], [share[pid] for pid in engines]
    grown.daemon_mib, grown.corosync_mib = list(map(pss_mib, daemons)), list(map(pss_mib, engines))


def _until_all_see(nodes: list[Visited], about: str, online: bool, change: Callable[[], None]) -> list[float]:
    """Seconds from the change until each daemon told it; one that never does counts as SEEN_S."""
    ready = threading.Barrier(len(nodes) + 1)
    with ThreadPoolExecutor(len(nodes)) as pool:
        watching = [pool.submit(_watch, node, about, online, ready) for node in nodes]
        ready.wait(SEEN_S)
        began = time.monotonic()
        change()
        return [max(0.0, told.result() - began) for told in watching]


def _watch(node: Visited, about: str, online: bool, ready: threading.Barrier) -> float:
    with contextlib.suppress(QuireError):
        for place, told in enumerate(BlockingClient(node.socket).stream(Subscribe(), SEEN_S)):
            if place == 0:
                ready.wait(SEEN_S)
            elif told["topic"] == "cluster" and _shown(told["value"], about) is online:
                return time.monotonic()
    return time.monotonic() + SEEN_S


def _shown(value: dict[str, object], about: str) -> bool | None:
    nodes = value.get("nodes")
    rows = nodes if isinstance(nodes, list) else []
    return next((row["online"] for row in rows if row["name"] == about), None)


def as_table(runs: list[Grown]) -> str:
    """In Markdown, as the README has it."""
    rows = [("", *(f"{run.nodes} nodes" for run in runs))]
    for name, cell in CELLS.items():
        rows.append((name, *(cell(run) for run in runs)))
    rows.insert(1, ("---",) * len(rows[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _of(values: list[float], form: str, scale: float = 1.0) -> str:
    if not values:
        return "–"
    return " · ".join(format(one(values) * scale, form) for one in (statistics.median, max))


CELLS: dict[str, Callable[[Grown], str]] = {
    "all daemons started": lambda run: f"{run.start_s:.0f} s",
    "create → quorate": lambda run: f"{run.create_s:.1f} s",
    "join, median · longest": lambda run: _of(run.joins_s, ".1f") + " s",
    "the first · the last join": lambda run: f"{run.joins_s[0]:.1f} · {run.joins_s[-1]:.1f} s" if run.joins_s else "–",
    "all joins": lambda run: f"{sum(run.joins_s):.0f} s, {len(run.joins_s)} nodes",
    "a daemon ends → every other shows it, median · last": lambda run: _of(run.left_s, ".0f", 1000) + " ms",
    "a host hangs → every other shows it, median · last": lambda run: _of(run.hung_s, ".1f") + " s",
    "memory: daemon and site, median · most": lambda run: _of(run.daemon_mib, ".0f") + " MiB",
    "memory: corosync": lambda run: _of(run.corosync_mib, ".0f") + " MiB",
    "at rest, of one core: daemon and site": lambda run: _of(run.daemon_cpu, ".1f", 100) + " %",
    "at rest, of one core: corosync": lambda run: _of(run.corosync_cpu, ".1f", 100) + " %",
    "the machine while joining": lambda run: f"{run.machine_busy:.0%} busy",
    "broke first": lambda run: run.broke or "nothing",
}
