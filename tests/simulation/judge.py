"""Looks on while a simulated cluster runs, and knows what must never happen and what must have happened in the end.

It believes nobody: commits are compared across nodes by hash, answers with what lies on the disks at that moment, and
the end with everything that was ever answered. A finding is an `AssertionError` with one sentence.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cluster.core import electorate as votes
from cluster.core.effects import Committed, Done, InstallRecord, NotDone, Outcome, Refused
from cluster.core.log import Entry
from cluster.core.machine import body_of
from cluster.core.messages import Point
from cluster.core.operations import Command
from cluster.core.replica import Phase
from cluster.core.snapshot import Snapshot
from cluster.core.tree import Tree
from cluster.store.base import Record
from cluster.store.memory import MemoryDisk

if TYPE_CHECKING:
    from tests.simulation.world import Asked, Process, World


class WatchedDisk(MemoryDisk):
    """Remembers everything that ever reached it."""

    ever: dict[bytes, str]

    def _append(self, entries: tuple[Entry, ...]) -> None:
        super()._append(entries)
        for entry in entries:
            body = body_of(entry)
            self.ever[entry.point.hash] = body.request_id if isinstance(body, Command) else ""

    def _replace_all(self, snapshot: Snapshot) -> None:
        self.ever = getattr(self, "ever", {})
        super()._replace_all(snapshot)


class Judge:
    def __init__(self, world: World) -> None:
        self.world = world
        self.order: dict[int, Point] = {}
        self.happened: dict[str, int] = {}
        self.electorate: dict[int, int] = {}
        self.electorate_since = 0
        self.wiped: set[int] = set()  # may have held what they acknowledged, and lost it
        self.never: dict[str, str] = {}
        self.answers = 0
        self.sightings: Counter[str] = Counter()

    def saw(self, what: str) -> None:
        self.sightings[what] += 1

    # --- always -----------------------------------------------------------------------------------------------------

    def saw_commits(self, process: Process, committed: tuple[Committed, ...]) -> None:
        for one in committed:
            node_id, point = process.member.node_id, one.point
            known = self.order.setdefault(point.index, point)
            assert known == point, f"node {node_id} commits {point} where another has committed {known}"
            if one.electorate is not None and point.index > self.electorate_since:
                self.electorate, self.electorate_since = one.electorate, point.index
            if one.remembered is not None:
                request_id = one.remembered.request_id
                place = self.happened.setdefault(request_id, point.index)
                assert place == point.index, f"{request_id} happened at {place} and again at {point.index}"
                assert request_id not in self.never, f"{request_id} happened: {self.never[request_id]}"

    def saw_snapshot(self, process: Process) -> None:
        point = process.replica.machine.log.commit
        known = self.order.get(point.index)
        assert known in (None, point), f"node {process.member.node_id} took {point} for committed, which is {known}"
        self.saw("snapshot taken")

    def saw_persist(self, record: Record) -> None:
        if isinstance(record, InstallRecord):
            self.saw("entries dropped" if record.dropped else "installed")

    def saw_answer(self, process: Process, asked: Asked, outcome: Outcome) -> None:
        self.answers += 1
        node_id = process.member.node_id
        self.world.tell(f"node {node_id} answers {asked.request_id} with {outcome}")
        self.saw(f"answered {type(outcome).__name__}")
        if isinstance(outcome, Done):
            place = self.happened.get(asked.request_id)
            assert place == outcome.revision.index, f"{asked.request_id} is answered {outcome} but happened at {place}"
            self._check_on_disks(process, self.order[outcome.revision.index])
        elif isinstance(outcome, Refused):
            assert asked.request_id in self.happened, f"{asked.request_id} is refused without a place in the order"
        elif isinstance(outcome, NotDone) and asked.tries == 1:
            assert asked.request_id not in self.happened, f"{asked.request_id} happened and is answered {outcome}"

    def saw_given_up(self, asked: Asked) -> None:
        """The client believes that it was not done, and does not ask again."""
        self.never[asked.request_id] = f"its client was told {asked.outcome}"

    def _check_on_disks(self, process: Process, point: Point) -> None:
        holders = {node_id for node_id, disk in self.world.disks.items() if _holds(disk, point)} | self.wiped
        electorate = process.replica.machine.electorate
        assert votes.is_majority(electorate, holders), (
            f"{point} was answered with only {holders} of {electorate} holding it on disk"
        )

    # --- in the end -------------------------------------------------------------------------------------------------

    def check_the_end(self) -> None:
        """Everything is healed and had time to settle."""
        world = self.world
        dead = sorted(set(world.votes) - set(world.processes))
        replicas = [world.processes[node_id].replica for node_id in sorted(world.votes) if node_id not in dead]
        stuck = [(r.node_id, r.phase.value, r.reason) for r in replicas if r.phase is not Phase.ACTIVE]
        assert not stuck, f"not writable in the end: {stuck}"
        assert not dead, f"nodes {dead} do not run in the end"
        first = replicas[0].machine
        for machine in (replica.machine for replica in replicas[1:]):
            assert machine.log.commit == first.log.commit, "the histories differ in the end"
            assert machine.tree.entries == first.tree.entries, "the trees differ in the end"
            assert list(machine.remembered) == list(first.remembered), "the remembered outcomes differ in the end"
        assert first.electorate == world.votes, f"the voters are {first.electorate}, not {world.votes}"
        rebuilt = Tree.from_entries(first.tree.walk(), first.tree.version)
        assert rebuilt.size == first.tree.size and len(rebuilt.entries) == len(first.tree.entries), "not a tree"
        unsettled = [asked.request_id for asked in world.asked.values() if asked.outcome is None]
        assert not unsettled, f"never answered: {unsettled}"
        self._check_answers(first.log.commit.index)
        self._check_journals()

    def _check_answers(self, reached: int) -> None:
        for asked in self.world.asked.values():
            place = self.happened.get(asked.request_id)
            if isinstance(asked.outcome, Done | Refused):
                assert place is not None and place <= reached, f"{asked.request_id} was answered and is lost"

    def _check_journals(self) -> None:
        """Every change a disk ever held is in the history, or happened in another place, or is in the journal."""
        history = {point.hash for point in self.order.values()}
        for node_id in self.world.votes:
            disk = self.world.disks[node_id]
            assert isinstance(disk, WatchedDisk)
            journal = {conflict.entry.point.hash for conflict in disk.conflicts(1 << 30)}
            for hashed, request_id in disk.ever.items():
                known = hashed in history or hashed in journal or request_id in self.happened or not request_id
                assert known, f"node {node_id} dropped {request_id} silently"
            self.sightings["journalled although committed"] += len(journal & history)


def _holds(disk: MemoryDisk, point: Point) -> bool:
    if point.index <= disk.base.index:
        return True
    place = point.index - disk.base.index - 1
    return place < len(disk.log) and disk.log[place].point == point
