"""A QDevice's witness, and what would happen if its vote counted for what is kept: two more broken cores.

The witness sees who reaches it, votes for one side, and remembers nothing, as `corosync-qnetd` does: for the greater
side, and among equal ones for any. In the core its vote counts for nothing (docs/decisions/0012 says why). Here it
counts in clusters with an even number of votes: always, or only for nodes that come directly out of a writable view.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

from cluster.core import agreement, electorate
from cluster.core.agreement import Agreement
from cluster.core.effects import Effect
from cluster.core.events import Event, ViewChanged
from cluster.core.messages import State
from cluster.core.replica import EVENTS, Phase, Replica
from cluster.core.sync import Choice, Impasse, choose
from tests.simulation.network import Network

Votes = Mapping[int, int]


class Witness:
    """`side` are the nodes it votes for now; `counts` whether that vote counts for the replica that is at work."""

    def __init__(self, by_the_rule: bool) -> None:
        self.by_the_rule = by_the_rule
        self.side: set[int] = set()
        self.counts = True

    def look(self, network: Network) -> None:
        sides: dict[int, set[int]] = {}
        for node_id, host in network.hosts.items():
            if host.up:
                sides.setdefault(network.side[node_id], set()).add(node_id)
        most = max(map(len, sides.values()), default=0)
        self.side = network.dice.choice([nodes for _, nodes in sorted(sides.items()) if len(nodes) == most] or [set()])

    def needed(self, votes: Votes) -> int:
        return (sum(votes.values()) + self._weight(votes)) // 2 + 1

    def present(self, votes: Votes, nodes: Collection[int]) -> int:
        here = [node_id for node_id in votes if node_id in nodes]
        own = self._weight(votes) if here and self.counts and self.side.issuperset(here) else 0
        return sum(votes[node_id] for node_id in here) + own

    def _weight(self, votes: Votes) -> int:
        return 1 - sum(votes.values()) % 2

    def is_majority(self, votes: Votes, nodes: Collection[int]) -> bool:
        return bool(votes) and self.present(votes, nodes) >= self.needed(votes)

    def index_held(self, votes: Votes, held: Mapping[int, int]) -> int:
        indexes = sorted({held.get(node_id, 0) for node_id in votes}, reverse=True)
        for index in indexes:
            if self.is_majority(votes, [node_id for node_id in votes if held.get(node_id, 0) >= index]):
                return index
        return 0


def counting(stack: ExitStack, *, by_the_rule: bool) -> None:
    witness = Witness(by_the_rule)

    def reform(self: Network, number: int) -> None:
        if number == self._reforms:
            witness.look(self)
        original_reform(self, number)

    def on_view(self: Replica, event: ViewChanged, now: list[Effect]) -> None:
        self.contact = "writable" if self.phase is Phase.ACTIVE else ""
        original_on_view(self, event, now)

    def step(self: Replica, event: Event) -> list[Effect]:
        witness.counts = getattr(self, "witness_counts", False)
        return original_step(self, event)

    def choose_with_it(states: Mapping[int, State], uuid: str, ring_sequence: int) -> Choice | Impasse:
        witness.counts = False
        outcome = choose(states, uuid, ring_sequence)
        may_count = not by_the_rule or all(state.contact for state in states.values())
        if isinstance(outcome, Impasse) and may_count:
            witness.counts = True
            outcome = choose(states, uuid, ring_sequence)
        return outcome

    def choose_and_remember(self: Agreement, now: list[Effect]) -> None:
        original_choose(self, now)
        self.witness_counts = witness.counts  # type: ignore[attr-defined]

    original_reform, original_on_view, original_step = Network._reform, Replica._on_view, Replica.step
    original_choose, original_sees = Agreement._choose, electorate.sees_what_a_majority_kept
    patches: list[tuple[Any, str, Any]] = [
        (electorate, "needed", witness.needed),
        (electorate, "is_majority", witness.is_majority),
        (electorate, "index_held_by_majority", witness.index_held),
        (electorate, "sees_what_a_majority_kept",
         lambda votes, nodes: original_sees(votes, nodes) or witness.is_majority(votes, nodes)),
        (Network, "_reform", reform),
        (Replica, "step", step),
        (agreement, "choose", choose_with_it),
        (Agreement, "_choose", choose_and_remember),
    ]  # fmt: skip
    for owner, name, value in patches:
        stack.enter_context(patch.object(owner, name, value))
    stack.enter_context(patch.dict(EVENTS, {ViewChanged: on_view}))


def witness_vote_counts(stack: ExitStack) -> None:
    counting(stack, by_the_rule=False)


def witness_vote_counts_out_of_a_writable_view(stack: ExitStack) -> None:
    """The rule that was believed safe: see docs/decisions/0012."""
    counting(stack, by_the_rule=True)
