"""Looks on while a simulated cluster runs, and asks each property at the moments that concern it.

It believes nobody: commits are compared across nodes by hash, answers with what lies on the disks at that moment, and
the end with everything that was ever answered. What must hold is in `properties/`; a finding is a `Found`.
"""

from __future__ import annotations

import errno
from collections import Counter
from typing import TYPE_CHECKING

from cluster.core.effects import Committed, Done, Outcome, PromiseRecord, Refused
from cluster.core.messages import Point
from cluster.core.replica import Phase
from cluster.model import Member
from cluster.store.base import Record
from tests.history.check import Verdict
from tests.simulation.properties import always, sometimes
from tests.simulation.properties.at_rest import AT_REST
from tests.simulation.properties.eventually import EVENTUALLY

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.requests import Asked
    from tests.simulation.world import World

AT_COMMITS = (
    always.a1_committed_prefixes_agree,
    always.a3_committed_epochs_never_fall, always.a7_only_members_make_a_majority,
    always.a8_another_cluster_changes_nothing, always.a9_a_request_happens_at_most_once,
    always.a10_fencing_tokens_rise,
)  # fmt: skip


class Found(AssertionError):
    """A property that does not hold: its name and a sentence."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(f"{name.replace('_', ' ')}: {sentence}")
        self.name = name


class Judge:
    """`strict` False: findings about one moment are noted but not raised, so that clients go on and see the effect."""

    def __init__(self, world: World, strict: bool) -> None:
        self.world, self.strict = world, strict
        self.order: dict[int, Point] = {}  # index → what was committed there
        self.bodies: dict[bytes, bytes] = {}  # hash → body of every entry that was ever handed to a disk
        self.happened: dict[str, int] = {}  # request id → index
        self.never: dict[str, str] = {}  # request id → why its client believes that it was not done
        self.electorate: dict[int, int] = {}
        self.electorate_before: dict[int, dict[int, int]] = {}
        self.ever_configured: set[int] = set()
        self.wiped: set[int] = set()  # may have held what they acknowledged, and lost it
        self.writable: dict[int, bytes] = {}  # epoch → the session it is written in
        self.promised: dict[Member, int] = {}
        self.committed: dict[Member, int] = {}
        self.lock_tokens: dict[str, tuple[int, int]] = {}
        self.tokens: dict[str, int] = {}  # request id → the token it got
        self.history = Verdict()
        self.answers = 0
        self.noted: list[str] = []
        self.sightings: Counter[str] = Counter()

    def saw(self, what: str) -> None:
        self.sightings[what] += 1

    def found(self, name: str, sentence: str | None) -> None:
        if sentence is None:
            return
        if self.strict:
            raise Found(name, sentence)
        self.noted.append(str(Found(name, sentence)))

    def reached(self) -> int:
        """The highest index that anybody has committed."""
        return len(self.order)

    # --- always -----------------------------------------------------------------------------------------------------

    def saw_commits(self, process: Process, committed: tuple[Committed, ...]) -> None:
        if self.world.is_foreign(process):
            return
        if self.world.told is not None:
            named = [f"{one.remembered.request_id} at {one.point.index}" for one in committed if one.remembered]
            self.world.tell(f"node {process.member.node_id} commits to {committed[-1].point.index}: {', '.join(named)}")
        for one in committed:
            for check in AT_COMMITS:
                sentence = check(self, process, one)
                if sentence is not None:
                    self.found(check.__name__, sentence)
            if one.electorate is not None and one.point.index == self.reached():
                self.electorate = one.electorate
        self.found("a4_a_commit_index_never_goes_back", always.a4_a_commit_index_never_goes_back(self, process))
        self.found("a11_limits_hold", always.a11_limits_hold(self, process))

    def saw_read(self, process: Process) -> None:
        sentence = always.a6_what_readers_see_is_a_committed_prefix(self, process)
        self.found("a6_what_readers_see_is_a_committed_prefix", sentence)

    def saw_snapshot(self, process: Process) -> None:
        if not self.world.is_foreign(process):
            self.saw_read(process)
            self.saw("snapshot taken")

    def saw_phase(self, process: Process, before: Phase) -> None:
        replica = process.replica
        if self.world.told is not None:
            self.world.tell(f"node {replica.node_id} is {replica.phase.value} {replica.reason}")
        if self.world.is_foreign(process):
            return
        if replica.phase is Phase.ACTIVE:
            sentence = always.a2_an_epoch_is_writable_in_one_view(self, process)
            self.found("a2_an_epoch_is_writable_in_one_view", sentence)
        self.found("a14_queues_are_bounded", always.a14_queues_are_bounded(self, process))
        self.found("a15_no_content_is_told", always.a15_no_content_is_told(replica.reason))
        sometimes.look_at_phase(self, process)

    def saw_persist(self, process: Process, record: Record) -> None:
        if self.world.is_foreign(process):
            return
        self.found("a3_epochs_rise", always.a3_epochs_rise(self, process, record))
        if not isinstance(record, PromiseRecord):
            for entry in record.entries:
                self.bodies[entry.point.hash] = entry.body
        sometimes.look_at_record(self, record)

    def saw_multicast(self, process: Process, payload: bytes) -> None:
        sentence = always.a19_only_a_writable_node_writes(self, process, payload)
        self.found("a19_only_a_writable_node_writes", sentence)
        if self.world.clock.events % 64 == 0:
            sentence = always.a16_messages_come_back_from_bytes(payload)
            self.found("a16_messages_come_back_from_bytes", sentence)

    def saw_answer(self, process: Process, asked: Asked, outcome: Outcome) -> None:
        self.answers += 1
        if self.world.told is not None:
            self.world.tell(f"node {process.member.node_id} answers {asked.request_id} with {outcome}")
        self.saw(f"answered {type(outcome).__name__}")
        sentence = always.answered_as_it_happened(self, asked.request_id, outcome)
        self.found("answered_as_it_happened", sentence)
        if isinstance(outcome, Done):
            if sentence is None:
                point = self.order[outcome.revision.index]
                sentence = always.a5_an_answer_is_on_a_majority_of_disks(self, process, asked.request_id, point)
                self.found("a5_an_answer_is_on_a_majority_of_disks", sentence)
        else:
            if isinstance(outcome, Refused) and outcome.errno == errno.ENOSPC:
                self.saw("S12 limit hit mid-batch")
            self.found("a15_no_content_is_told", always.a15_no_content_is_told(outcome.message))

    def saw_alarm(self, message: str) -> None:
        self.saw("alarm")
        self.found("a15_no_content_is_told", always.a15_no_content_is_told(message))

    def saw_given_up(self, asked: Asked) -> None:
        """The client believes that it was not done, and does not ask again."""
        self.never[asked.request_id] = f"its client was told {asked.outcome}"

    # --- in the end -------------------------------------------------------------------------------------------------

    def check_the_end(self) -> None:
        """Everything is healed and had time to settle."""
        for check in (*EVENTUALLY, *AT_REST):
            self.found(check.__name__, check(self))
