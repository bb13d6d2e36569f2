"""Cores broken on purpose: each is caught by a property, and by every history checker that can see its effect.

`python -m tests.simulation SEED --mutant NAME` tells the story of one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from tests.simulation.campaign import tried
from tests.simulation.mutants import MUTANTS
from tests.simulation.run import Verdict

SEEDS = range(1, 400)
TOGETHER = 8
SHOWN_ELSEWHERE = {"witness-vote-counts-out-of-a-writable-view"}  # by hand, in test_witness.py


def seen_by(verdict: Verdict) -> set[str]:
    """Which of the three saw something in this seed."""
    seen = {"properties"} if verdict.finding or verdict.noted else set()
    seen |= {"trusting"} if verdict.history.trusting else set()
    return seen | ({"black box"} if verdict.history.black_box else set())


@pytest.fixture
def pool() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(os.cpu_count()) as made:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", sorted(set(MUTANTS) - SHOWN_ELSEWHERE))
def test_a_core_without_one_of_its_rules_is_caught(name: str, pool: ProcessPoolExecutor) -> None:
    wanted = {"properties", *MUTANTS[name][1]}
    missing = set(wanted)
    for first in range(SEEDS.start, SEEDS.stop, TOGETHER):
        for verdict in pool.map(partial(tried, mutant=name, strict=False), range(first, first + TOGETHER)):
            missing -= seen_by(verdict)
        if not missing:
            return
    pytest.fail(f"not seen by {sorted(missing)} in {len(SEEDS)} seeds")


def test_there_are_twelve_at_least_and_a_whole_core_shows_nothing() -> None:
    assert len(MUTANTS) >= 12
    assert seen_by(tried(3, strict=False)) == set()
