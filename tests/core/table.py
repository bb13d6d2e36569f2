"""Replicas around a table: one agreed order, one memory disk each, and nothing happens unless a test says so.

`Table.settle()` runs until nobody has anything left to do. A test can hold back a node's disk, cut the table in two,
look at every effect a replica listed, and hand a replica any event by hand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from cluster.core.effects import Effect, Fetch, Keep, Multicast, Outcome, Persist, ReadReady, ReadRefused, Reply, Resign
from cluster.core.events import (
    Delivered,
    Event,
    FetchFailed,
    HistoryFetched,
    Persisted,
    PersistFailed,
    Proposed,
    ReadAsked,
    TimerFired,
    ViewChanged,
)
from cluster.core.machine import CONFIGURATION
from cluster.core.messages import AnyMessage, decode, encode
from cluster.core.operations import Command, Write, encode_body
from cluster.core.replica import Phase, Replica
from cluster.core.snapshot import Snapshot
from cluster.core.tree import AnyOperation, Entry
from cluster.model import Member, RingId
from cluster.store.base import first_point
from cluster.store.memory import MemoryDisk

LINEAGE = "6f1c0c52-lineage"
ALPHA, BETA, GAMMA, DELTA, EPSILON = 1, 2, 3, 4, 5


def nodelist(text: bytes) -> dict[int, int]:
    """What stands for a corosync.conf in these tests: node ids with a vote each, e.g. `1 2 3`."""
    return {int(word): 1 for word in text.split()}


class Seat:
    """One node: its disk, its replica, and what the replica asked for."""

    def __init__(self, node_id: int, disk: MemoryDisk) -> None:
        self.node_id, self.disk = node_id, disk
        self.pid = node_id * 100
        self.effects: list[Effect] = []
        self.outbox: deque[bytes] = deque()
        self.answers: dict[str, Outcome] = {}
        self.readers: dict[str, ReadReady | ReadRefused] = {}
        self.fetches: list[Fetch] = []
        self.disk_works = True
        self.sit_down()

    def sit_down(self) -> None:
        """A new process, waking up with what is on disk."""
        self.pid += 1
        self.disk.cut()
        self.replica = Replica(self.disk.load(), nodelist, contact=f"node {self.node_id}")
        self.outbox.clear()
        self.disk.start(None, lambda ticket: self._feed(Persisted(ticket)), self._persist_failed)

    def _persist_failed(self, reason: str, errno: int) -> None:
        self._feed(PersistFailed(reason, errno))

    @property
    def member(self) -> Member:
        return Member(self.node_id, self.pid)

    def step(self, event: Event) -> list[Effect]:
        """Hand the replica an event; what it answers is performed and returned."""
        effects = self.replica.step(event)
        for effect in effects:
            if isinstance(effect, Multicast):
                self.outbox.append(effect.payload)
            elif isinstance(effect, Persist):
                self.disk.persist(effect.ticket, effect.record)
            elif isinstance(effect, Keep):
                self.disk.keep(effect.committed)
            elif isinstance(effect, Reply):
                self.answers[effect.request_id] = effect.outcome
            elif isinstance(effect, ReadReady | ReadRefused):
                self.readers |= dict.fromkeys(effect.read_ids, effect)
            elif isinstance(effect, Fetch):
                self.fetches.append(effect)
        self.effects += effects
        return effects

    def _feed(self, event: Event) -> None:
        self.step(event)

    def said(self) -> list[AnyMessage]:
        """What waits to be sent."""
        return [decode(payload) for payload in self.outbox]

    def all_of(self, kind: type[Effect]) -> list[Effect]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def read(self, path: str) -> bytes | None:
        return self.replica.machine.tree.read(path)

    @property
    def phase(self) -> Phase:
        return self.replica.phase


class Table:
    """`groups` says who sits together now; messages reach everyone in the sender's group, in one order."""

    def __init__(self, *node_ids: int, blank: Iterable[int] = (), lineage: str = LINEAGE) -> None:
        self.seats: dict[int, Seat] = {}
        self.sequence = 0
        self.groups: list[tuple[int, ...]] = []
        self.requests = 0
        votes = dict.fromkeys(node_ids, 1)
        text = " ".join(map(str, node_ids)).encode()
        tree = (Entry(2, 0, CONFIGURATION, 2, 0, 0, text, 2),)
        for node_id in node_ids:
            snapshot = Snapshot(first_point(lineage), 2, 0, tree, dict(votes))
            self.add(MemoryDisk(lineage, node_id, snapshot, blank=False, at_once=False))
        for node_id in blank:
            self.add(MemoryDisk.blank(lineage, node_id, at_once=False))

    def __getitem__(self, node_id: int) -> Seat:
        return self.seats[node_id]

    def add(self, disk: MemoryDisk) -> None:
        self.seats[disk.node_id] = Seat(disk.node_id, disk)

    # --- views ------------------------------------------------------------------------------------------------------

    def seat(self, *groups: tuple[int, ...], new_ring: bool = True) -> None:
        """Everyone moves to these groups, at the same place of the order; nothing else happens yet."""
        if new_ring:
            self.sequence += 4
        self.groups = list(groups)
        for group in groups:
            members = tuple(sorted(self.seats[node_id].member for node_id in group))
            for node_id in group:
                self.seats[node_id].step(ViewChanged(RingId(self.sequence, group[0]), members))

    def form(self, *node_ids: int) -> None:
        """One group of these nodes (all, when none is named), and everything that follows from it."""
        self.seat(node_ids or tuple(sorted(self.seats)))
        self.settle()

    # --- running ----------------------------------------------------------------------------------------------------

    def deliver_one(self, sender: int) -> None:
        """The oldest message of one node, to everyone in its group."""
        payload = self.seats[sender].outbox.popleft()
        group = next((group for group in self.groups if sender in group), ())
        for node_id in group:
            self.seats[node_id].step(Delivered(sender, payload))

    def flush(self, node_id: int) -> None:
        self.seats[node_id].disk.complete()

    def settle(self) -> None:
        """Deliver, flush and fetch until nobody has anything left to do; disks that do not work are left alone."""
        for _ in range(10_000):
            busy = False
            for node_id, seat in sorted(self.seats.items()):
                if seat.outbox:
                    self.deliver_one(node_id)
                    busy = True
                if seat.disk_works and seat.disk.waiting:
                    self.flush(node_id)
                    busy = True
                if seat.fetches:
                    self.serve(seat, seat.fetches.pop(0))
                    busy = True
            if not busy:
                return
        raise AssertionError("the replicas do not come to rest")

    def serve(self, seat: Seat, wanted: Fetch) -> None:
        source = self.seats[wanted.source]
        if not any(seat.node_id in group and wanted.source in group for group in self.groups):
            seat.step(FetchFailed(wanted.epoch, "no answer"))
            return
        found = source.disk.history(wanted.have, wanted.want) if wanted.have else None
        if found is not None:
            seat.step(HistoryFetched(wanted.epoch, found[0], None, found[1]))
            return
        machine = source.replica.machine
        missing = tuple(entry for entry in machine.log.suffix if entry.point.index <= wanted.want.index)
        seat.step(HistoryFetched(wanted.epoch, None, machine.snapshot(), missing))

    def silence(self, *node_ids: int) -> None:
        """The time for silent members is over, on these nodes."""
        for node_id in node_ids:
            seat = self.seats[node_id]
            seat.step(TimerFired(f"silence {seat.replica.work.view.hex()}"))

    # --- asking -----------------------------------------------------------------------------------------------------

    def propose(self, node_id: int, *operations: AnyOperation, request_id: str = "") -> str:
        """Put a change to a node; nothing else happens yet. Returns the request's id."""
        self.requests += 1
        request_id = request_id or f"request-{self.requests}"
        self.seats[node_id].step(Proposed(request_id, body_of_request(request_id, node_id, *operations)))
        return request_id

    def write(self, node_id: int, path: str, data: bytes) -> Outcome | None:
        """Write a file through a node, and let everything settle; returns the answer, None when there is none."""
        request_id = self.propose(node_id, Write(path, data))
        self.settle()
        return self.seats[node_id].answers.get(request_id)

    def ask_to_read(self, node_id: int) -> str:
        """Put a reader to a node; nothing else happens yet. Returns its id."""
        self.requests += 1
        read_id = f"reader-{self.requests}"
        self.seats[node_id].step(ReadAsked(read_id))
        return read_id

    def configure(self, node_id: int, *node_ids: int) -> Outcome | None:
        """Commit a configuration that names these nodes."""
        return self.write(node_id, CONFIGURATION, " ".join(map(str, node_ids)).encode())

    def say(self, sender: int, message: AnyMessage) -> None:
        """Something a node says although its replica never asked for it."""
        self.seats[sender].outbox.append(encode(message))


def body_of_request(request_id: str, node_id: int, *operations: AnyOperation, time_ms: int = 1_000) -> bytes:
    return encode_body(Command(request_id, node_id, time_ms, "alice@pve", "api", operations))


def resigned(effects: list[Effect]) -> bool:
    return any(isinstance(effect, Resign) for effect in effects)
