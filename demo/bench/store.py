"""The run: what is measured, in which order. Everything it starts is gone when it returns.

Writes of ours and of etcd come in turns, so that what else the machine does falls on both. A figure of one run says
little alone; its ratios to the floors and to etcd of the same run say more.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.control import requests
from cluster.control.blocking import BlockingClient
from cluster.errors import QuireError
from demo.bench.goals import Line, Lines, judge
from demo.bench.nodes import NAMES, Nodes, nodes
from demo.bench.peers import available, etcd
from demo.bench.visible import visible
from demo.noise import pss_mib
from demo.visitor import Visited, eventually

MEANWHILE_S = 10.0  # how long a writer goes on while a node catches up


@dataclass(frozen=True)
class Size:
    """How much is done: `writes` by one writer, each at most `seconds` long."""

    writes: int
    seconds: float
    reads: int
    missed: int
    idle_s: float


QUICK = Size(writes=200, seconds=3.0, reads=3000, missed=1000, idle_s=5.0)
FULL = Size(writes=1000, seconds=10.0, reads=20000, missed=10000, idle_s=120.0)


class Run:
    def __init__(self, on: Nodes, size: Size) -> None:
        self.on, self.size = on, size
        self.lines: Lines = {}
        self.folder = f"{on.first.mount}/bench"

    def add(self, name: str, measure: Callable[[], dict[str, Any]], *, with_bytes: bool = False) -> Line:
        print(f"bench: {name}", file=sys.stderr)
        with self.on.stretch() as during:
            told = measure()
        line = self.lines[name] = Line(name, told, foreign_share=during.foreign_share)
        if with_bytes and told["n"]:
            line.bytes_each = {node: written / told["n"] for node, written in during.written.items()}
        return line

    def value(self, name: str, value: float, unit: str, foreign_share: float = 0.0) -> None:
        self.lines[name] = Line(name, value=value, unit=unit, foreign_share=foreign_share)

    def generate(self, kind: str, place: str, writers: int, **more: object) -> Callable[[], dict[str, Any]]:
        count = self.size.writes if writers == 1 else max(20, self.size.writes // 4)
        options: dict[str, object] = {"writers": writers, "count": count, "seconds": self.size.seconds, **more}
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        return lambda: self.on.generate(self.on.first, kind, "--place", place, *words)

    # --- the parts ----------------------------------------------------------------------------------------------------

    def floors(self) -> None:
        place = str(self.on.disks[NAMES[0]].folder)
        for name, floor in (
            ("floor: flush of 1 KiB", "flush"),
            ("floor: SQLite commit of 1 KiB", "sqlite"),
            ("floor: agreed multicast of 1 KiB", "multicast"),
        ):
            words = (floor, "--place", place, "--count", self.size.writes)
            self.add(name, lambda words=words: self.on.floor(self.on.first, *words))  # type: ignore[misc]

    def writes(self, etcd_port: int | None) -> None:
        for writers, many in ((1, "1 writer"), (16, "16 writers")):
            if etcd_port is not None:
                self.add(f"etcd: put, {many}", self.generate("etcd", f"127.0.0.1:{etcd_port}", writers))
            socket = self.generate("socket", self.on.first.socket, writers)
            self.add(f"control socket: write, {many}", socket, with_bytes=True)
            for kind, words in (("overwrite", "overwrite"), ("create", "create"), ("rename", "rename over")):
                first = {"first": writers * 1_000_000}
                self.add(f"mount: {words}, {many}", self.generate(kind, self.folder, writers, **first), with_bytes=True)

    def visibility(self) -> None:
        count = min(300, self.size.writes)
        print("bench: visible", file=sys.stderr)
        with self.on.stretch() as during:
            told = visible(self.on, count, self.size.seconds)
        for name, figures in told.items():
            self.lines[name] = Line(name, figures, foreign_share=during.foreign_share)

    def reads(self) -> None:
        first, last = self.on.first, self.on.last
        place = f"{first.mount}/bench/reads"
        make_folder(self.on, place)
        self.on.generate(first, "socket-create", "--place", first.socket, "--folder", "bench/reads", "--count", 500)
        await_same(self.on, 30)
        self.add("mount: first read of each file", lambda: self.on.generate(
            last, "read", "--place", place, "--files", 500, "--count", 500))  # fmt: skip
        self.add("mount: the same file read again", lambda: self.on.generate(
            last, "read", "--place", place, "--count", self.size.reads, "--seconds", self.size.seconds))  # fmt: skip
        self.add("mount: attributes of 500 files in turn", lambda: self.on.generate(
            last, "stat", "--place", place, "--files", 500, "--count", self.size.reads))  # fmt: skip
        self.add("mount: listing of 500 files", lambda: self.on.generate(
            last, "listing", "--place", place, "--files", 500, "--count", 200, "--seconds", self.size.seconds)
        )  # fmt: skip

    def large(self) -> None:
        few = {"size": 1 << 20, "count": 3 if self.size is QUICK else 10}
        whole = self.generate("overwrite", self.folder, 1, **few)
        self.add("mount: 1 MiB in one call", whole, with_bytes=True)
        chunks = self.generate("overwrite", self.folder, 1, chunk=4096, **few)
        self.add("mount: 1 MiB in calls of 4 KiB", chunks, with_bytes=True)
        touches = self.generate("touch", self.folder, 1, count=30)
        self.add("mount: touch of the 1 MiB", touches, with_bytes=True)

    def idle(self) -> None:
        time.sleep(3.0)  # what was to be written later has been
        print("bench: idle", file=sys.stderr)
        before = {name: disk.written() for name, disk in self.on.disks.items()}
        time.sleep(self.size.idle_s)
        most = max(disk.written() - before[name] for name, disk in self.on.disks.items())
        self.value(f"idle: written in {self.size.idle_s:g} s", most, "bytes")

    def memory(self) -> None:
        content_mib = sum_of_contents(self.on.first) / (1 << 20)
        most = max(pss_mib(node.pid) for node in self.on.visit.nodes.values())
        self.value("memory of a node, pages included", most, "MiB")
        goal = 80 + 2 * content_mib
        verdict = "ok" if most <= goal else "NO"
        self.lines["memory of a node, pages included"].verdicts.append(
            f"(≤ {goal:.0f} MiB = 80 + 2 × {content_mib:.1f} of content, daemon alone: {verdict})"
        )

    def missed(self) -> None:
        """The last node is away while changes are made; then it comes back under a writer that does not stop."""
        first, last, count = self.on.first, self.on.last, self.size.missed
        print(f"bench: {count} changes missed", file=sys.stderr)
        last.kill()
        made = self.on.generate(
            first, "socket-create", "--place", first.socket, "--folder", "bench/missed", "--count", count,
            "--seconds", 240, timeout_s=300,
        )  # fmt: skip
        self.lines["changes made one after the other"] = Line("changes made one after the other", made)
        target = revision_of(first)
        writing = ("socket", "--place", first.socket, "--count", 100_000, "--seconds", MEANWHILE_S, "--pause-ms", 5)
        with ThreadPoolExecutor(2) as beside, self.on.stretch() as during:
            up = beside.submit(up_at_s, last)
            meanwhile = beside.submit(self.on.generate, first, *writing)
            began = time.monotonic()
            last.start_again()
            answered_s = time.monotonic() - began
            eventually("the last node holds what it missed", lambda: revision_of(last) >= target, 60)
            caught_up_s = time.monotonic() - up.result()
            written = meanwhile.result()
        self.value(f"caught up after {made['n']} missed changes", caught_up_s, "s", during.foreign_share)
        self.value("its start before that, beside a writer", up.result() - began, "s", during.foreign_share)
        self.value("from its start until its pages answered", answered_s, "s", during.foreign_share)
        self.value("longest wait of a writer meanwhile", written["worst_ms"], "ms", during.foreign_share)

    def restart(self) -> None:
        """The last node again, now with many files and nothing missed."""
        last = self.on.last
        print("bench: start", file=sys.stderr)
        last.kill()
        with self.on.stretch() as during:
            began = time.monotonic()
            last.start_again()
            took_s = time.monotonic() - began
        self.value("started again, with all files", took_s, "s", during.foreign_share)


def run_store(quick: bool) -> tuple[list[Line], dict[str, object]]:
    """Every line of the table, and what is to be known about the run."""
    began = time.monotonic()
    with nodes() as on:
        run = Run(on, QUICK if quick else FULL)
        make_folder(on, run.folder)
        run.floors()
        if available():
            with etcd(*etcd_places(on)) as port:
                run.writes(port)
        else:
            print("bench: etcd is not installed; it is left out", file=sys.stderr)
            run.writes(None)
        run.visibility()
        run.reads()
        run.large()
        run.idle()
        run.missed()
        run.restart()
        run.memory()
    judge(run.lines)
    worst = max(line.foreign_share for line in run.lines.values())
    about: dict[str, object] = {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "machine": machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "others used up to": f"{worst:.0%} of the machine",
        "took": f"{time.monotonic() - began:.0f} s",
    }
    return list(run.lines.values()), about


def machine() -> str:
    """Processor, memory and kernel, as a reader of the table wants to know them."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{models[0] if models else platform.machine()}, {memory_gib:.0f} GiB, Linux {platform.release()}"


def etcd_places(on: Nodes) -> tuple[dict[str, list[str]], dict[str, str], dict[str, Path]]:
    return (
        {name: on.visit[name].enter for name in NAMES},
        {name: on.lab.management_address(name) for name in NAMES},
        {name: on.disks[name].folder / "etcd" for name in NAMES},
    )


def make_folder(on: Nodes, path: str) -> None:
    made = on.first.command("mkdir", "-p", path)
    if made.returncode:
        raise RuntimeError(f"{path} could not be made: {made.stderr.strip()}")
    await_same(on, 30)


def state_of(node: Visited) -> tuple[Any, Any] | None:
    """Revision and digest of a node's store; None while the node is not up to date."""
    try:
        cluster = BlockingClient(node.socket).call(requests.Status())["cluster"]
    except QuireError:
        return None
    store = cluster["store"]
    return (store["revision"], store["digest"]) if store and store["writable"] else None


def revision_of(node: Visited) -> list[int]:
    """Epoch and index of the last change a node shows; nothing while the node is not up to date."""
    state = state_of(node)
    return list(state[0]) if state is not None else []


def up_at_s(node: Visited) -> float:
    """The moment at which a node's daemon first answers."""
    eventually(f"{node.name}'s daemon answers", lambda: answers(node), 60)
    return time.monotonic()


def answers(node: Visited) -> bool:
    try:
        BlockingClient(node.socket).call(requests.Status())
    except QuireError:
        return False
    return True


def await_same(on: Nodes, timeout_s: float) -> None:
    def same() -> bool:
        states = [state_of(node) for node in on.visit.nodes.values()]
        return states[0] is not None and all(state == states[0] for state in states)

    eventually("every node has the same tree", same, timeout_s)


def sum_of_contents(node: Visited) -> int:
    told = node.command("stat", "--file-system", "--format", "%b %f %S", str(node.mount))
    blocks, free, size = map(int, told.stdout.split())
    return (blocks - free) * size
