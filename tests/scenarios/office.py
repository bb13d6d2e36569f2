"""Three nodes of one cluster on real corosync, to be disturbed: their hosts, their disks and the network between them.

The links of corosync are apart from the network a test comes in by, so a cut hides nothing from the test.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from cluster.control import requests
from cluster.core.log import Entry
from cluster.corosync import conf
from cluster.corosync.conf import Document
from demo.places import OWN_STATE
from demo.visitor import Visit, Visited
from lab import faults, processes
from lab.hosts import Lab
from lab.inside import run_inside
from tests.scenarios.conftest import demo_of
from tests.scenarios.evidence import ask
from tests.scenarios.healing import OURS_S, await_one_store
from tests.scenarios.judge import judge, judge_journal, logged, outcomes
from tests.scenarios.load import OK, Load

NAMES = ["alpha", "beta", "gamma"]
TOKEN_MS = 1000
NOTICED_S = 6.0  # token + consensus at TOKEN_MS, and a little
FORMED_S = 30.0
STORE = Path(OWN_STATE, "store.db")  # as each node sees it
T = TypeVar("T")


@dataclass
class Office:
    visit: Visit
    lab: Lab

    @property
    def nodes(self) -> list[Visited]:
        return list(self.visit.nodes.values())

    def __getitem__(self, name: str) -> Visited:
        return self.visit[name]

    def at_store(self, name: str, look: Callable[[Path], T]) -> T:
        """What `look` finds at a node's store, seen from inside the node: SQLite follows a path to where it leads."""
        return run_inside(self.lab, name, lambda: look(STORE))

    def recover(self) -> None:
        """After a test, whatever became of it: no cut, every host on, every daemon running."""
        faults.heal(self.lab)
        for name in NAMES:
            if self.lab.init_pid(name) is None:
                self._boot(name)
        self.start(sorted(set(NAMES) - self.daemons().keys()))

    def _boot(self, name: str) -> None:
        self.lab.start(name)
        self[name].enter = self.lab.enter(name)

    def cut_power(self, names: Iterable[str]) -> None:
        faults.cut_power(self.lab, list(names))

    def power_on(self, names: Iterable[str]) -> None:
        """The hosts boot and their daemons start, side by side; returns when all of them answer."""
        for name in names:
            self._boot(name)
        self.start(names)

    def pause(self, name: str) -> None:
        """The daemon of a node stands still, until `go_on` or `stop`."""
        processes.send(self[name].pid, signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        """`nsenter`, which waits for the daemon outside of the node, has stopped with it and does not go on by itself:
        it would leave a dead daemon unburied, and a host with one cannot be switched off."""
        for pid in (self[name].pid, processes.parent(self[name].pid)):
            processes.send(pid, signal.SIGCONT)

    def stop(self, name: str) -> None:
        """The daemon of a node is killed, and its store is closed."""
        waiting = processes.parent(self[name].pid)
        self[name].kill()
        processes.send(waiting, signal.SIGCONT)

    def start(self, names: Iterable[str], variables: Mapping[str, str] | None = None) -> None:
        """The daemons of these nodes start, side by side; returns when all of them answer."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: self[name].start_again(variables), names))

    def logs(self) -> dict[str, dict[bytes, Entry]]:
        """What every node has in its log now."""
        return {name: self.at_store(name, logged) for name in NAMES}

    def daemons(self) -> dict[str, int]:
        """The pid of each node's daemon that runs."""
        return {name: self[name].pid for name in NAMES if processes.alive(self[name].pid)}

    def judged(self, load: Load, logs: dict[str, dict[bytes, Entry]] | None = None, within_s: float = OURS_S) -> str:
        """Wait for one tree, judge what the load was told and what the logs held; returns the figures."""
        one_tree_s = await_one_store(self.nodes, within_s)
        judge(load, self.nodes, self._flushed_logs(load, within_s))
        dropped = sum(
            self.at_store(name, partial(judge_journal, name, before)) for name, before in (logs or {}).items()
        )
        return f"one tree {one_tree_s:.1f} s after the last write; {load}; {dropped} dropped and in a journal"

    def _flushed_logs(self, load: Load, within_s: float) -> list[dict[int, str]]:
        """What each disk has, once the slowest has flushed what its node knows from the others' confirmations; what is
        missing after `within_s` is for the judge."""
        acknowledged = {call.index for call in load.changes(OK)}
        until = time.monotonic() + within_s
        while True:
            logs = [self.at_store(name, outcomes) for name in NAMES]
            if all(acknowledged <= log.keys() for log in logs) or time.monotonic() > until:
                return logs
            time.sleep(0.1)


@contextlib.contextmanager
def office_of(disk_mib: int = 0) -> Iterator[Office]:
    with demo_of("corosync", len(NAMES), disk_mib=disk_mib) as visit:
        office = Office(visit, Lab.at(str(visit.state / "lab")))
        links = {name: {f"link{n}": office.lab.address(name, n) for n in (0, 1)} for name in NAMES}
        visit.create(**links["alpha"])
        for name in NAMES[1:]:
            visit.join(name, **links[name])
        quicker(visit)
        await_one_store(office.nodes, FORMED_S)
        yield office


def quicker(visit: Visit) -> None:
    """A shorter token, so that a cut is noticed in seconds: written to the store like any other change."""
    before = ask(visit.first, requests.StoreRead("corosync.conf"))
    document = conf.raise_version(conf.parse(before["data"]))
    assert document.totem is not None
    totem = document.totem.with_value("token", str(TOKEN_MS))
    text = conf.render(Document(document.root.with_sections("totem", [totem])))
    ask(visit.first, requests.StoreWrite("corosync.conf", text.encode(), before["digest"]))
    time.sleep(0.5)  # every member has it on disk
    assert visit.first.command("corosync-cfgtool", "-R").returncode == 0
