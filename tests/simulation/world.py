"""The world around the replicas: hosts with a disk each, processes that come and go, and the history they fetch.

Everything random comes from one seed. Who asks is `clients.py` and `requests.py`, who breaks things `nemesis.py`, who
looks on `judge.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from cluster.core.effects import Done, Fetch
from cluster.core.events import FetchFailed, HistoryFetched
from cluster.core.machine import CONFIGURATION
from cluster.core.operations import Write
from cluster.core.replica import Phase, Replica
from cluster.core.snapshot import Snapshot
from cluster.core.tree import Entry
from cluster.store.base import first_point
from cluster.store.memory import MemoryDisk
from tests.simulation.administrator import Administrator
from tests.simulation.clients import Clients
from tests.simulation.disk import WatchedDisk
from tests.simulation.judge import Judge
from tests.simulation.network import Clock, Network, Weather
from tests.simulation.process import Process, configuration
from tests.simulation.properties import sometimes
from tests.simulation.requests import Asked, Requests

LINEAGE = "8a4f2d1c-lineage-of-the-simulation"
FOREIGN = "77777777-another-cluster-of-that-name"
FOREIGN_NODE = 900
RESTART_S = 1.5


class World:
    def __init__(self, seed: int, size: int, told: Callable[[str], None] | None = None, *, strict: bool = True) -> None:
        self.seed, self.told = seed, told
        self.dice = random.Random(seed)
        self.clock = Clock()
        self.weather = Weather.drawn(self.dice)
        self.network = Network(self.clock, self.dice, self.weather, self.tell)
        self.judge = Judge(self, strict)
        self.disks: dict[int, MemoryDisk] = {}
        self.processes: dict[int, Process] = {}
        self.votes: dict[int, int] = {}
        self.slow: dict[int, float] = {}
        self.requests = Requests(self)
        self.clients = Clients(self)
        self.administrator = Administrator(self)
        self.left_away: tuple[int, ...] = ()
        self.probe: Asked | None = None
        self.fetches_across_splits = self.dice.random() < 0.3
        self.versions_mix = self.dice.random() < 0.2
        self.versions: dict[int, int] = {}
        self._pids = 100
        self._form(dict.fromkeys(range(1, size + 1), 1))

    def _form(self, votes: dict[int, int]) -> None:
        self.votes = votes
        if self.dice.random() < 0.15 and len(votes) > 1:
            self.votes[1] = 2
        self.judge.electorate = dict(self.votes)
        self.judge.ever_configured.update(votes)
        self.first_version = 2
        self.first_entries = (Entry(2, 0, CONFIGURATION, 2, 0, 0, configuration(self.votes), 2),)
        for node_id in votes:
            snapshot = Snapshot(first_point(LINEAGE), self.first_version, 0, self.first_entries, dict(self.votes))
            self.disks[node_id] = WatchedDisk(LINEAGE, node_id, snapshot, blank=False, at_once=False)
            self.boot(node_id)

    def tell(self, text: str) -> None:
        if self.told is not None:
            self.told(f"{self.clock.now_s:9.4f}  {text}")

    def voters(self) -> list[Replica]:
        """The replicas of the configured nodes that run."""
        return [self.processes[node_id].replica for node_id in sorted(self.votes) if node_id in self.processes]

    def is_foreign(self, process: Process) -> bool:
        return process.replica.uuid != LINEAGE

    # --- machines and processes -------------------------------------------------------------------------------------

    def add_disk(self, node_id: int) -> None:
        self.disks[node_id] = WatchedDisk.blank(LINEAGE, node_id, at_once=False)

    def boot(self, node_id: int) -> None:
        if node_id not in self.network.hosts or not self.network.hosts[node_id].up:
            self.tell(f"node {node_id} boots")
            self.network.boot(node_id)
        self.start(node_id)

    def start(self, node_id: int) -> None:
        host = self.network.hosts[node_id]
        if node_id in self.processes or not host.up:
            return
        self._pids += 1
        process = self.processes[node_id] = Process(self, node_id, self._pids)
        if self.told is not None:
            self.tell(f"node {node_id} starts its process {self._pids}, {_where(process.replica)}")
        others = {one.version for one in self.processes.values() if one is not process}
        if self.versions.setdefault(node_id, process.version) != process.version and process.version not in others:
            self.judge.saw("S14 rolling version change")
        self.versions[node_id] = process.version
        self.network.join(process)

    def kill(self, node_id: int) -> bool:
        """kill -9 of the daemon; corosync lives on and tells the group."""
        process = self.processes.pop(node_id, None)
        if process is None:
            return False
        self.tell(f"node {node_id} loses its process {process.member.pid}")
        self._end(process)
        self.network.leave(process.member)
        return True

    def cut_power(self, node_id: int) -> bool:
        if not self.network.hosts[node_id].up:
            return False
        self.tell(f"node {node_id} loses power")
        process = self.processes.pop(node_id, None)
        if process is not None:
            self._end(process)
        self.network.power_off(node_id)
        if not any(host.up for host in self.network.hosts.values()):
            self.judge.saw("S7 all nodes power-cut")
        if self.dice.random() < 0.03:
            self.network.hosts[node_id].ring_sequence = 0  # corosync's own state directory did not survive
        return True

    def wipe(self, node_id: int) -> None:
        """Its disk is lost, with everything on it."""
        self.cut_power(node_id)
        self.tell(f"node {node_id} loses its disk")
        self.judge.wiped.add(node_id)
        self.judge.saw("disk wiped")
        self.add_disk(node_id)

    def _end(self, process: Process) -> None:
        sometimes.look_at_death(self.judge, process)
        process.alive = False
        process.disk.cut(survive=self.dice.randint(0, process.disk.waiting))
        self.requests.connection_lost(process.member)

    def resigned(self, process: Process) -> None:
        """What the driver does: leave, and come back after a while; a process whose disk failed starts anew."""
        self.tell(f"node {process.member.node_id} resigns: {process.replica.reason}")
        self.network.leave(process.member)
        if process.replica.phase is Phase.FAILED:
            self.clock.after(RESTART_S, self._replace, process)
        else:
            self.clock.after(self.dice.choice((0.001, 0.02, 1.0)), self._rejoin, process)

    def _rejoin(self, process: Process) -> None:
        if process.alive:
            self.network.join(process)

    def _replace(self, process: Process) -> None:
        if process.alive:
            self.kill(process.member.node_id)
            self.start(process.member.node_id)

    def flush_s(self, node_id: int) -> float:
        return self.dice.expovariate(1 / self.slow.get(node_id, self.weather.flush_s)) + 0.0002

    def invade(self) -> None:
        """A node of another cluster, with a longer history, comes into the same ring."""
        if FOREIGN_NODE not in self.disks:
            snapshot = Snapshot(first_point(FOREIGN), 2, 0, self.first_entries, {FOREIGN_NODE: 5})
            self.disks[FOREIGN_NODE] = WatchedDisk(FOREIGN, FOREIGN_NODE, snapshot, blank=False, at_once=False)
        self.judge.saw("another cluster's node")
        self.boot(FOREIGN_NODE)

    # --- histories --------------------------------------------------------------------------------------------------

    def serve(self, process: Process, wanted: Fetch) -> None:
        """What `cluster/node/catchup.py` does on the source, and the way there and back."""
        source = self.processes.get(wanted.source)
        reachable = self.fetches_across_splits or self.network.connected(process.member.node_id, wanted.source)
        if source is None or source.paused or not reachable or self.dice.random() < 0.1:
            self.judge.saw("fetch failed")
            process.feed(FetchFailed(wanted.epoch, "no answer"))
            return
        found = source.disk.history(wanted.have, wanted.want) if wanted.have else None
        if found is not None:
            fetched = HistoryFetched(wanted.epoch, found[0], None, found[1])
        else:
            machine = source.replica.machine
            missing = tuple(entry for entry in machine.log.suffix if entry.point.index <= wanted.want.index)
            fetched = HistoryFetched(wanted.epoch, None, machine.snapshot(), missing)
            self.judge.saw("S4 snapshot needed")
        slow = self.dice.random() < 0.1
        self.clock.after(self.dice.random() * (3.0 if slow else 0.05), self._arrive, process, fetched)

    def _arrive(self, process: Process, fetched: HistoryFetched) -> None:
        if fetched.snapshot is not None and not (process.alive and process.replica.work.epoch == fetched.epoch):
            self.judge.saw("S5 snapshot interrupted")
        process.feed(fetched)

    # --- the end ----------------------------------------------------------------------------------------------------

    def ask_a_probe(self) -> None:
        """A write that a healed majority must take within a minute."""
        self.probe = self.requests.ask((Write("probe", b"probe"),), stubborn=True)

    def was_probed(self) -> bool:
        return self.probe is not None and isinstance(self.probe.outcome, Done)


def _where(replica: Replica) -> str:
    log = replica.machine.log
    kind = "blank" if replica.blank else f"kept {log.commit.index}, last {log.last.index}"
    return f"{kind}, promised {replica.promised >> 20}.{replica.promised & 0xFFFFF}"
