"""The world around the replicas: hosts with a disk each, processes that come and go, clients, an administrator.

A `Process` is what the driver is in a real node: it steps a replica and performs its effects, here against a pretended
clock, network and disk. Everything random comes from one seed.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

from cluster.core.effects import (
    Alarm,
    Done,
    Effect,
    Expose,
    Fetch,
    Keep,
    Multicast,
    NotDone,
    Outcome,
    Persist,
    Reply,
    Resign,
    SetTimer,
    Unknown,
)
from cluster.core.events import (
    Delivered,
    Event,
    Expired,
    FetchFailed,
    HistoryFetched,
    Persisted,
    PersistFailed,
    Proposed,
    TimerFired,
    ViewChanged,
)
from cluster.core.machine import CONFIGURATION, Machine
from cluster.core.operations import Command, Expect, Mkdir, Remove, Rename, Touch, Write, digest_of, encode_body
from cluster.core.replica import Phase, Replica
from cluster.core.snapshot import Snapshot
from cluster.core.tree import AnyOperation, Entry
from cluster.model import Member, RingId
from cluster.store.base import first_point
from cluster.store.memory import MemoryDisk
from tests.simulation.judge import Judge, WatchedDisk
from tests.simulation.network import Clock, Network, Weather

LINEAGE = "8a4f2d1c-lineage-of-the-simulation"
ASK_TIMEOUT_S = 10.0
RESTART_S = 1.5


def nodelist(text: bytes) -> dict[int, int]:
    """What stands for a corosync.conf here: `1:1 2:1 3:1`, node ids and votes."""
    return {int(node_id): int(votes) for node_id, votes in (word.split(b":") for word in text.split())}


def configuration(votes: dict[int, int]) -> bytes:
    return " ".join(f"{node_id}:{count}" for node_id, count in sorted(votes.items())).encode()


class Process:
    """One daemon. Stopped for a while (`paused`) it hears nothing, and then everything at once."""

    def __init__(self, world: World, node_id: int, pid: int) -> None:
        self.world, self.member = world, Member(node_id, pid)
        self.disk = world.disks[node_id]
        self.disk.cut()
        self.replica = Replica(self.disk.load(), nodelist, contact=str(node_id))
        self.alive, self.paused = True, False
        self._inbox: deque[Event] = deque()
        self._flushing = False
        self._timers: dict[str, int] = {}
        self.disk.start(None, lambda ticket: self.feed(Persisted(ticket)), self._persist_failed)

    # --- events in --------------------------------------------------------------------------------------------------

    def hear_view(self, ring: RingId, members: tuple[Member, ...]) -> None:
        self.feed(ViewChanged(ring, members))

    def hear(self, sender: Member, payload: bytes) -> None:
        self.feed(Delivered(sender.node_id, payload))

    def _persist_failed(self, reason: str, errno: int) -> None:
        self.feed(PersistFailed(reason, errno))

    def feed(self, event: Event) -> None:
        if not self.alive:
            return
        if self.paused or self._inbox:
            self._inbox.append(event)
            return
        self._step(event)

    def resume(self) -> None:
        self.paused = False
        while self._inbox and self.alive and not self.paused:
            self._step(self._inbox.popleft())

    def _step(self, event: Event) -> None:
        phase = self.replica.phase
        effects = self.replica.step(event)
        if self.world.told is not None and phase is not self.replica.phase:
            self.world.tell(f"node {self.member.node_id} is {self.replica.phase.value} {self.replica.reason}")
        for effect in effects:
            if isinstance(effect, Keep):
                self.world.judge.saw_commits(self, effect.committed)
        for effect in effects:
            self._perform(effect)

    # --- effects out ------------------------------------------------------------------------------------------------

    def _perform(self, effect: Effect) -> None:
        world = self.world
        if isinstance(effect, Multicast):
            world.network.multicast(self.member, effect.payload)
        elif isinstance(effect, Persist):
            world.judge.saw_persist(effect.record)
            self.disk.persist(effect.ticket, effect.record)
            self._flush_soon()
        elif isinstance(effect, Keep):
            self.disk.keep(effect.committed)
            if self.disk.waiting:
                self._flush_soon()
        elif isinstance(effect, Reply):
            world.answered(self, effect.request_id, effect.outcome)
        elif isinstance(effect, Expose):
            if effect.whole:
                world.judge.saw_snapshot(self)
        elif isinstance(effect, Fetch):
            world.clock.after(world.dice.random() * 0.1, world.serve, self, effect)
        elif isinstance(effect, SetTimer):
            number = self._timers[effect.name] = self._timers.get(effect.name, 0) + 1
            world.clock.after(effect.delay_ms / 1000, self._fire, effect.name, number)
        elif isinstance(effect, Resign):
            world.judge.saw("resigned")
            world.resigned(self)
        elif isinstance(effect, Alarm):
            world.judge.saw("alarm")

    def _fire(self, name: str, number: int) -> None:
        if self._timers.get(name) == number:
            self.feed(TimerFired(name))

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self.world.clock.after(self.world.flush_s(self.member.node_id), self._flushed, self.disk.waiting)

    def _flushed(self, count: int) -> None:
        self._flushing = False
        if self.alive:
            self.disk.complete(count)
            if self.disk.waiting:
                self._flush_soon()


class Asked:
    """One request of a client, until it is settled. `tries` counts how often it was put to a node."""

    def __init__(self, request_id: str, operations: tuple[AnyOperation, ...], time_ms: int, stubborn: bool) -> None:
        self.stubborn = stubborn  # never takes no for an answer
        self.request_id, self.operations, self.time_ms = request_id, operations, time_ms
        self.tries = 0
        self.waiting_on: set[Member] = set()
        self.outcome: Outcome | None = None


class World:
    def __init__(self, seed: int, size: int, told: Callable[[str], None] | None = None) -> None:
        self.seed, self.told = seed, told
        self.dice = random.Random(seed)
        self.clock = Clock()
        self.weather = Weather.drawn(self.dice)
        self.network = Network(self.clock, self.dice, self.weather, self.tell)
        self.judge = Judge(self)
        self.disks: dict[int, MemoryDisk] = {}
        self.processes: dict[int, Process] = {}
        self.votes: dict[int, int] = {}
        self.slow: dict[int, float] = {}
        self.asked: dict[str, Asked] = {}
        self.open_requests = 0
        self.retired: list[int] = []
        self.reconfiguring = False
        self.fetches_across_splits = self.dice.random() < 0.3
        self._pids = 100
        self._form(dict.fromkeys(range(1, size + 1), 1))

    def _form(self, votes: dict[int, int]) -> None:
        self.votes = votes
        if self.dice.random() < 0.15 and len(votes) > 1:
            self.votes[1] = 2
        self.judge.electorate = dict(self.votes)
        text = configuration(self.votes)
        tree = (Entry(2, 0, CONFIGURATION, 2, 0, 0, text, 2),)
        for node_id in votes:
            snapshot = Snapshot(first_point(LINEAGE), 2, 0, tree, dict(self.votes))
            self.disks[node_id] = WatchedDisk(LINEAGE, node_id, snapshot, blank=False, at_once=False)
            self.boot(node_id)

    def tell(self, text: str) -> None:
        if self.told is not None:
            self.told(f"{self.clock.now_s:9.4f}  {text}")

    # --- machines and processes -------------------------------------------------------------------------------------

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
        self.tell(f"node {node_id} starts its process {self._pids}, {_where(process.replica)}")
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
        if self.dice.random() < 0.03:
            self.network.hosts[node_id].ring_sequence = 0  # corosync's own state directory did not survive
        return True

    def wipe(self, node_id: int) -> None:
        """Its disk is lost, with everything on it."""
        self.cut_power(node_id)
        self.tell(f"node {node_id} loses its disk")
        self.judge.wiped.add(node_id)
        self.judge.saw("disk wiped")
        self.disks[node_id] = WatchedDisk.blank(LINEAGE, node_id, at_once=False)

    def _end(self, process: Process) -> None:
        process.alive = False
        process.disk.cut(survive=self.dice.randint(0, process.disk.waiting))
        for asked in self.asked.values():
            if process.member in asked.waiting_on:
                asked.waiting_on.discard(process.member)
                self.clock.after(0.5, self.put, asked)  # the connection is gone, and the client asks elsewhere

    def resigned(self, process: Process) -> None:
        """What the driver does: leave, and come back after a while; a process whose disk failed starts anew."""
        node_id = process.member.node_id
        self.tell(f"node {node_id} resigns: {process.replica.reason}")
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
            self.judge.saw("snapshot sent")
        slow = self.dice.random() < 0.1
        self.clock.after(self.dice.random() * (3.0 if slow else 0.05), process.feed, fetched)

    # --- clients ----------------------------------------------------------------------------------------------------

    def ask(self, operations: tuple[AnyOperation, ...], *, stubborn: bool = False, node_id: int | None = None) -> Asked:
        request_id = f"r{len(self.asked) + 1}"
        asked = self.asked[request_id] = Asked(request_id, operations, int(self.clock.now_s * 1000), stubborn)
        self.open_requests += 1
        self.put(asked, node_id)
        if self.dice.random() < 0.03:
            self.put(asked)  # an impatient client, twice at once
        return asked

    def put(self, asked: Asked, node_id: int | None = None) -> None:
        """Put a request to a node; when there is none, try again later."""
        here = [one for one in self.processes if one in self.votes and not self.processes[one].paused]
        if asked.outcome is not None:
            return
        if not here:
            self.clock.after(1.0, self.put, asked)
            return
        process = self.processes[node_id if node_id in here else self.dice.choice(here)]
        asked.tries += 1
        asked.waiting_on.add(process.member)
        command = Command(asked.request_id, process.member.node_id, asked.time_ms, "alice@pve", "api", asked.operations)
        process.feed(Proposed(asked.request_id, encode_body(command)))
        self.clock.after(ASK_TIMEOUT_S, self._expire, asked, process)

    def _expire(self, asked: Asked, process: Process) -> None:
        if process.member in asked.waiting_on:
            process.feed(Expired(asked.request_id))

    def answered(self, process: Process, request_id: str, outcome: Outcome) -> None:
        asked = self.asked.get(request_id)
        if asked is None or process.member not in asked.waiting_on:
            return
        asked.waiting_on.discard(process.member)
        self.judge.saw_answer(process, asked, outcome)
        if isinstance(outcome, Unknown | NotDone):
            if asked.tries > 1 or asked.stubborn or isinstance(outcome, Unknown) or self.dice.random() < 0.5:
                self.clock.after(self.dice.uniform(0.3, 4.0), self.put, asked)  # the same request id, perhaps elsewhere
            else:
                self._settle(asked, outcome)
                self.judge.saw_given_up(asked)
        else:
            self._settle(asked, outcome)

    def _settle(self, asked: Asked, outcome: Outcome) -> None:
        if asked.outcome is None:
            self.open_requests -= 1
        asked.outcome = outcome

    def random_operations(self) -> tuple[AnyOperation, ...]:
        dice, content = self.dice, b"%d " % len(self.asked) * self.dice.choice((1, 1, 1, 400))
        file, folder = f"f{dice.randrange(5)}", f"d{dice.randrange(3)}"
        choice = dice.random()
        if choice < 0.6:
            return (Write(file, content),)
        if choice < 0.66:
            return (Mkdir(folder), Write(f"{folder}/{file}", content))
        if choice < 0.72:
            return (Rename(file, f"{folder}/{file}"),)
        if choice < 0.78:
            return (Remove(f"{folder}/{file}"),)
        if choice < 0.84:
            return (Write(file, content), Remove(folder))
        if choice < 0.9:
            return (Touch(file, dice.randrange(1 << 31)),)
        return (Expect(file, dice.choice(("", digest_of(content)))), Write(file, content, create=dice.random() < 0.5))

    # --- the administrator ------------------------------------------------------------------------------------------

    def add_node(self) -> None:
        node_id = max(self.disks) + 1
        votes = {**self.votes, node_id: 1}
        self._reconfigure(votes, lambda: self._install(node_id))

    def _install(self, node_id: int) -> None:
        self.judge.saw("newcomer")
        self.reconfiguring = False
        self.disks[node_id] = WatchedDisk.blank(LINEAGE, node_id, at_once=False)
        self.boot(node_id)

    def remove_node(self) -> None:
        gone = self.dice.choice(sorted(self.votes))
        votes = {node_id: count for node_id, count in self.votes.items() if node_id != gone}
        self._reconfigure(votes, lambda: self._retire(gone))

    def _retire(self, node_id: int) -> None:
        """A removed node is switched off once nobody who remains depends on its vote, and all have that on disk."""
        here = [self.processes[voter].replica for voter in self.votes if voter in self.processes]
        on_disk = any(node_id in counting for voter in self.votes for counting in self.in_force(voter))
        if not here or on_disk or any(replica.depends_on(node_id) for replica in here):
            self.clock.after(0.5, self._retire, node_id)
            return
        self.judge.saw("removal")
        self.retired.append(node_id)
        self.reconfiguring = False
        self.cut_power(node_id)

    def in_force(self, node_id: int) -> list[dict[int, int]]:
        """Whose votes count, and whose would if what is under way were committed, as a node's disk and memory tell."""
        found = [one.votes for one in Machine(self.disks[node_id].load(), nodelist).electorates()]
        if node_id in self.processes:
            replica = self.processes[node_id].replica
            found += [one.votes for one in replica.machine.electorates()]
            found += [replica.work.asked.after] if replica.work.asked is not None else []
        return found

    def _reconfigure(self, votes: dict[int, int], then: Callable[[], None]) -> None:
        self.votes, self.reconfiguring = votes, True
        asked = self.ask((Write(CONFIGURATION, configuration(votes)),), stubborn=True)

        def wait() -> None:
            if isinstance(asked.outcome, Done):
                then()
            else:
                self.clock.after(0.2, wait)

        wait()


def _where(replica: Replica) -> str:
    log = replica.machine.log
    kind = "blank" if replica.blank else f"kept {log.commit.index}, last {log.last.index}"
    return f"{kind}, promised {replica.promised >> 20}.{replica.promised & 0xFFFFF}"
