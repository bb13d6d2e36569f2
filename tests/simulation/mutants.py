"""Cores broken on purpose: what a simulation that means anything must find. Each is one rule left out.

`with broken(name):` patches the real core for as long as it lasts. `SEEN_BY` says which of the two history checkers
can see a mutant's effect in what clients were told; the properties of `properties/` must see every one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from cluster.core import agreement, electorate
from cluster.core.agreement import Agreement
from cluster.core.effects import Done, Effect, ReadReady, Reply
from cluster.core.events import Persisted, PersistFailed
from cluster.core.log import Entry
from cluster.core.machine import Machine, body_of
from cluster.core.messages import AnyMessage, Append, Promise, State
from cluster.core.operations import AnyOperation, Command, Holding
from cluster.core.reading import Reading
from cluster.core.replica import DELIVERIES, EVENTS, Phase, Replica
from cluster.core.sync import EPOCHS_PER_RING, Choice, Impasse, choose
from cluster.core.tree import Tree
from cluster.model import Revision
from tests.simulation.witness import witness_vote_counts, witness_vote_counts_out_of_a_writable_view

Broken = Callable[[ExitStack], None]
WRITING = (Phase.INSTALLED, Phase.ACTIVE)


def ack_before_fsync(stack: ExitStack) -> None:
    def append(self: Replica, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        Replica._append(self, sender, message, now)
        self._persisted = self._ticket
        self._count_own(now)
        self._commit(now)

    for phase in WRITING:
        stack.enter_context(patch.dict(DELIVERIES[phase], {Append: append}))


def ack_on_local_delivery(stack: ExitStack) -> None:
    """As pmxcfs does: the writer is answered as soon as its own message came back in its place."""

    def append(self: Replica, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        before = self.machine.log.last.index
        Replica._append(self, sender, message, now)
        for entry in self.machine.log.after(before) if sender == self.node_id else ():
            body = body_of(entry)
            if isinstance(body, Command) and self.machine.proposals.remove(body.request_id) is not None:
                now.append(Reply(body.request_id, Done(Revision(entry.point.epoch, entry.point.index))))

    for phase in WRITING:
        stack.enter_context(patch.dict(DELIVERIES[phase], {Append: append}))


def skip_epoch_check(stack: ExitStack) -> None:
    """An epoch is its ring's sequence and nothing else, whoever has promised or begun it already."""

    def of_the_ring(states: Mapping[int, State], uuid: str, ring_sequence: int) -> Choice | Impasse:
        choice = choose(states, uuid, ring_sequence)
        return replace(choice, epoch=ring_sequence * EPOCHS_PER_RING) if isinstance(choice, Choice) else choice

    choose_and_go_on = Agreement._choose

    def unchecked(self: Agreement, now: list[Effect]) -> None:
        self.promised = 0
        choose_and_go_on(self, now)

    _set(stack, agreement, "choose", of_the_ring)
    _set(stack, Agreement, "_choose", unchecked)


def drop_while_installing(stack: ExitStack) -> None:
    for phase in (Phase.FETCHING, Phase.INSTALLING):
        without = {kind: handler for kind, handler in DELIVERIES[phase].items() if kind is not Append}
        stack.enter_context(patch.dict(DELIVERIES, {phase: without}))


def merge_by_mtime(stack: ExitStack) -> None:
    """The history that was written to last goes on, by the clocks of those who wrote."""
    say_state = Agreement._say_state

    def with_mtime(self: Agreement, now: list[Effect]) -> None:
        bodies = [body_of(entry) for entry in self.machine.log.suffix]
        times = [body.time_ms for body in bodies if isinstance(body, Command)]
        remembered = list(self.machine.remembered.values())
        self.contact = str(max(times + [one.time_ms for one in remembered[-1:]], default=0))
        say_state(self, now)

    _set(stack, Agreement, "_say_state", with_mtime)
    _prefer(stack, lambda state: int(state.contact))


def merge_by_length(stack: ExitStack) -> None:
    """The longest log goes on, of whatever epoch."""
    _prefer(stack, lambda state: state.last.index)


def stale_read(stack: ExitStack) -> None:
    def at_once(self: Reading, now: list[Effect]) -> None:
        now.append(ReadReady(self.reads.take_all()))

    _set(stack, Reading, "_go_on_reading", at_once)


def double_apply(stack: ExitStack) -> None:
    """A request that comes again is applied again."""
    apply = Machine._apply_command

    def again(self: Machine, entry: Entry, command: Command, now: list[Effect]) -> Any:
        self.remembered.pop(command.request_id, None)
        return apply(self, entry, command, now)

    _set(stack, Machine, "_apply_command", again)


def lock_without_fencing(stack: ExitStack) -> None:
    check = Tree._check

    def careless(self: Tree, condition: AnyOperation) -> None:
        if not isinstance(condition, Holding):
            check(self, condition)

    _set(stack, Tree, "_check", careless)


def half_of_the_votes(stack: ExitStack) -> None:
    _set(stack, electorate, "needed", lambda votes: sum(votes.values()) // 2)


def epoch_is_max_plus_one(stack: ExitStack) -> None:
    """The next number after the highest one seen, and nobody promised it."""

    def counting(states: Mapping[int, State], uuid: str, ring_sequence: int) -> Choice | Impasse:
        choice = choose(states, uuid, 0)
        if isinstance(choice, Choice):
            ours = [state for state in states.values() if state.uuid == uuid]
            return replace(choice, epoch=max(state.last.epoch for state in ours) + 1)
        return choice

    choose_and_go_on = Agreement._choose

    def unpromised(self: Agreement, now: list[Effect]) -> None:
        self.promised = 0
        choose_and_go_on(self, now)
        if self.phase is Phase.PROMISING and self.work.choice is not None:
            self.work.promise_said = True
            self._take_history(self.work.choice, now)

    _set(stack, agreement, "choose", counting)
    _set(stack, Agreement, "_choose", unpromised)
    without = {kind: handler for kind, handler in DELIVERIES[Phase.PROMISING].items() if kind is not Promise}
    stack.enter_context(patch.dict(DELIVERIES, {Phase.PROMISING: without}))


def electorate_without_the_new_majority(stack: ExitStack) -> None:
    def index_to_commit(self: Machine, held: dict[int, int]) -> int:
        return min(electorate.index_held_by_majority(self.electorate, held), self.log.last.index)

    _set(stack, Machine, "index_to_commit", index_to_commit)


def forgetting_request_ids(stack: ExitStack) -> None:
    _set(stack, Machine, "_remember", lambda self, one: None)


def going_on_after_a_failed_fsync(stack: ExitStack) -> None:
    def as_if_written(self: Replica, event: PersistFailed, now: list[Effect]) -> None:
        self._on_persisted(Persisted(self._ticket), now)

    persist = Agreement._persist

    def persist_and_say_so(self: Any, record: Any, now: list[Effect]) -> int:
        ticket = persist(self, record, now)
        if getattr(self, "failed_before", False):
            self._persisted = ticket
        return ticket

    def remember(self: Any, event: PersistFailed, now: list[Effect]) -> None:
        self.failed_before = True
        as_if_written(self, event, now)

    _set(stack, Agreement, "_persist", persist_and_say_so)
    stack.enter_context(patch.dict(EVENTS, {PersistFailed: remember}))


def dropping_silently(stack: ExitStack) -> None:
    """What is dropped leaves nothing in the journal."""
    _set(stack, Machine, "would_lose", lambda self, entry: False)


BOTH = frozenset({"trusting", "black box"})
MUTANTS: dict[str, tuple[Broken, frozenset[str]]] = {
    broken.__name__.replace("_", "-"): (broken, seen_by)
    for broken, seen_by in (
        (ack_before_fsync, BOTH),
        (ack_on_local_delivery, BOTH),
        (skip_epoch_check, BOTH),
        (drop_while_installing, BOTH),
        (merge_by_mtime, BOTH),
        (merge_by_length, BOTH),
        (stale_read, BOTH),
        (double_apply, BOTH),
        (lock_without_fencing, frozenset({"black box"})),
        (half_of_the_votes, BOTH),
        (epoch_is_max_plus_one, BOTH),
        (electorate_without_the_new_majority, frozenset()),
        (forgetting_request_ids, BOTH),
        (going_on_after_a_failed_fsync, BOTH),
        (dropping_silently, frozenset()),
        (witness_vote_counts, BOTH),
        (witness_vote_counts_out_of_a_writable_view, frozenset()),
    )
}


@contextmanager
def broken(name: str) -> Iterator[None]:
    """The core without one of its rules, for a while; with all of them when `name` is empty."""
    with ExitStack() as stack:
        if name:
            MUTANTS[name][0](stack)
        yield


def _set(stack: ExitStack, owner: Any, name: str, value: Any) -> None:
    stack.enter_context(patch.object(owner, name, value))


def _prefer(stack: ExitStack, rank: Callable[[State], int]) -> None:
    """Another rule for whose history goes on."""

    def by_rank(states: Mapping[int, State], uuid: str, ring_sequence: int) -> Choice | Impasse:
        choice = choose(states, uuid, ring_sequence)
        if isinstance(choice, Impasse):
            return choice
        holders = [node_id for node_id, state in states.items() if not state.blank and state.uuid == uuid]
        first = max(sorted(holders), key=lambda node_id: rank(states[node_id]))
        return replace(choice, source=first, contact=states[first].contact, want=states[first].last)

    _set(stack, agreement, "choose", by_rank)
