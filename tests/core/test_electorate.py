"""Votes are counted exactly, and change one node at a time."""

from __future__ import annotations

from itertools import combinations

import pytest

from cluster.core.electorate import (
    index_held_by_majority,
    is_majority,
    is_majority_of_all,
    needed,
    next_step,
    present,
)


@pytest.mark.parametrize(("votes", "majority"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)])
def test_a_majority_is_more_than_half(votes: int, majority: int) -> None:
    electorate = dict.fromkeys(range(1, votes + 1), 1)
    assert needed(electorate) == majority
    assert is_majority(electorate, range(1, majority + 1)) and not is_majority(electorate, range(1, majority))


def test_votes_have_weight_and_strangers_have_none() -> None:
    electorate = {1: 3, 2: 1, 3: 1}
    assert present(electorate, {1, 9}) == 3 and is_majority(electorate, {1})
    assert not is_majority(electorate, {2, 3, 4, 5, 6})


def test_nobody_is_no_majority() -> None:
    assert not is_majority({}, {1}) and not is_majority_of_all([], {1}) and not is_majority_of_all([{}], {1})


def test_a_majority_of_all_is_one_of_each() -> None:
    assert is_majority_of_all([{1: 1, 2: 1}, {1: 1, 2: 1, 3: 1}], {1, 2})
    assert not is_majority_of_all([{1: 1, 2: 1}, {1: 1, 2: 1, 3: 1}], {1, 3})


@pytest.mark.parametrize(
    ("electorate", "held", "index"),
    [
        ({1: 1}, {1: 7}, 7),
        ({1: 1, 2: 1, 3: 1}, {1: 9, 2: 5, 3: 7}, 7),
        ({1: 1, 2: 1, 3: 1}, {1: 9, 3: 7}, 7),
        ({1: 1, 2: 1, 3: 1}, {1: 9}, 0),
        ({1: 1, 2: 1, 3: 1}, {1: 9, 4: 9, 5: 9}, 0),
        ({1: 3, 2: 1, 3: 1}, {1: 4, 2: 9, 3: 9}, 4),
        ({1: 1, 2: 1}, {1: 9, 2: 3}, 3),
        ({}, {1: 9}, 0),
    ],
)
def test_what_a_majority_holds_is_counted_by_votes(
    electorate: dict[int, int], held: dict[int, int], index: int
) -> None:
    assert index_held_by_majority(electorate, held) == index


def test_who_left_goes_first_then_weights_then_those_who_are_ready() -> None:
    configured = {1: 2, 3: 1, 4: 1, 5: 1}
    step: dict[int, int] | None = {1: 1, 2: 1, 3: 1}
    seen = []
    while step is not None:
        seen.append(step)
        step = next_step(step, configured, ready={1, 3, 5})
    assert seen == [{1: 1, 2: 1, 3: 1}, {1: 1, 3: 1}, {1: 2, 3: 1}, {1: 2, 3: 1, 5: 1}]


def test_the_last_voter_is_not_taken_away() -> None:
    assert next_step({1: 1}, {2: 1}, ready={1}) is None
    assert next_step({1: 1}, {2: 1}, ready={1, 2}) == {1: 1, 2: 1}
    assert next_step({1: 1, 2: 1}, {2: 1}, ready={1, 2}) == {2: 1}


def test_every_majority_before_a_step_meets_every_majority_after_it() -> None:
    """What makes one change at a time safe: with a vote each, no two majorities are without a common member."""
    nodes = range(1, 7)
    for size in range(1, 6):
        before = dict.fromkeys(range(1, size + 1), 1)
        for configured in (dict.fromkeys(range(1, size + 2), 1), dict.fromkeys(range(1, size), 1)):
            after = next_step(before, configured, ready=nodes)
            if after is None:
                continue
            groups = [set(group) for count in nodes for group in combinations(nodes, count)]
            assert not any(
                is_majority(before, one) and is_majority(after, other) and not one & other
                for one in groups
                for other in groups
            )
