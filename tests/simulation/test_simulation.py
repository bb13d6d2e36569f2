"""Whole clusters through splits, crashes, slow and broken disks and changes of members: nothing answered is ever lost.

Runs as many seeds as fit the time. A seed that fails is told as a story by `python -m tests.simulation SEED`.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from cluster.core import agreement, electorate
from cluster.core.effects import Effect
from cluster.core.machine import Machine
from cluster.core.messages import AnyMessage, Append, State
from cluster.core.replica import DELIVERIES, Phase, Replica
from cluster.core.sync import Choice, Impasse, choose
from tests.simulation.nemesis import Verdict, simulate

FIRST_SEED = int(os.environ.get("QUIRE_SIMULATION_SEED", "1"))
TIME_S = 25.0
SEEDS_MIN = 20
HAS_TO_HAPPEN = (
    "answered Done", "answered Refused", "answered NotDone", "answered Unknown", "alarm", "newcomer", "removal",
    "resigned", "snapshot taken", "fetch failed", "entries dropped", "disk wiped",
)  # fmt: skip


def story(seed: int) -> str:
    return f"seed {seed}; its story: python -m tests.simulation {seed}"


@pytest.mark.slow
def test_no_seed_loses_what_was_answered_or_ends_divided(capsys: pytest.CaptureFixture[str]) -> None:
    until_s, seed, seen, total = time.monotonic() + TIME_S, FIRST_SEED, Counter[str](), Counter[str]()
    while time.monotonic() < until_s or seed < FIRST_SEED + SEEDS_MIN:
        verdict = simulate(seed)
        assert verdict.finding == "", story(seed)
        seen.update(verdict.sightings)
        total.update(faults=verdict.faults, answers=verdict.answers, minutes=int(verdict.simulated_s / 60))
        seed += 1
    with capsys.disabled():
        print(f"\n  simulated {seed - FIRST_SEED} clusters: {dict(total)}")
    if seed - FIRST_SEED > 3 * SEEDS_MIN:
        assert [what for what in HAS_TO_HAPPEN if not seen[what]] == [], "the faults miss something they should cause"


def test_the_same_seed_is_the_same_story() -> None:
    first: list[str] = []
    second: list[str] = []
    assert simulate(7, first.append) == simulate(7, second.append)
    assert first == second and len(first) > 100


# --- the judge must be able to find something: cores broken on purpose ------------------------------------------------

Break = Callable[[pytest.MonkeyPatch], None]


def acknowledging_before_the_disk_has_it(patch: pytest.MonkeyPatch) -> None:
    def append(self: Replica, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        Replica._append(self, sender, message, now)
        self._persisted = self._ticket
        self._count_own(now)
        self._commit(now)

    for phase in (Phase.INSTALLED, Phase.ACTIVE):
        patch.setitem(DELIVERIES[phase], Append, append)


def dropping_writes_while_installing(patch: pytest.MonkeyPatch) -> None:
    for phase in (Phase.FETCHING, Phase.INSTALLING):
        patch.delitem(DELIVERIES[phase], Append)


def content_with_half_of_the_votes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(electorate, "needed", lambda votes: sum(votes.values()) // 2)


def forgetting_what_was_asked_before(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Machine, "_remember", lambda self, one: None)


def preferring_the_longest_log_of_whatever_epoch(patch: pytest.MonkeyPatch) -> None:
    def by_length(states: dict[int, State], uuid: str, ring_sequence: int) -> Choice | Impasse:
        choice = choose(states, uuid, ring_sequence)
        if isinstance(choice, Impasse):
            return choice
        longest = max((node_id for node_id in states if not states[node_id].blank), key=lambda n: states[n].last.index)
        return replace(choice, source=longest, contact=states[longest].contact, want=states[longest].last)

    patch.setattr(agreement, "choose", by_length)


def changing_the_voters_without_asking_the_new_ones(patch: pytest.MonkeyPatch) -> None:
    def index_to_commit(self: Machine, held: dict[int, int]) -> int:
        return min(electorate.index_held_by_majority(self.electorate, held), self.log.last.index)

    patch.setattr(Machine, "index_to_commit", index_to_commit)


@pytest.mark.slow
@pytest.mark.parametrize(
    "broken",
    [
        acknowledging_before_the_disk_has_it,
        dropping_writes_while_installing,
        content_with_half_of_the_votes,
        forgetting_what_was_asked_before,
        preferring_the_longest_log_of_whatever_epoch,
        changing_the_voters_without_asking_the_new_ones,
    ],
    ids=lambda broken: broken.__name__.replace("_", " "),
)
def test_a_core_broken_on_purpose_is_found(broken: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch)
    for seed in range(1, 120):
        if not survives(seed):
            return
    pytest.fail("the judge saw nothing in 119 seeds")


def survives(seed: int) -> bool:
    try:
        verdict: Verdict = simulate(seed)
    except Exception:  # a broken core may well break down
        return False
    return verdict.finding == ""
