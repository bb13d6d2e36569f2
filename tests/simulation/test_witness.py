"""Why a witness's vote does not count for what is kept: with it, the rule that was believed safe loses a change."""

from __future__ import annotations

import pytest

from cluster.core.effects import Done
from cluster.core.operations import Write
from tests.simulation.judge import Found
from tests.simulation.mutants import broken
from tests.simulation.world import World

SEEDS = range(100, 120)


def two_nodes_of_which_one_stands_still(seed: int) -> bool:
    """Node 1 goes on alone and dies; node 2, which stood still, comes out of the same writable view. Was it shown that
    both wrote? Raises `Found` when the judge sees it."""
    world = World(seed, 2)
    if world.votes != {1: 1, 2: 1}:
        return False
    world.clock.run(10.0)
    world.processes[2].paused = True
    world.network.split({1: 101})
    world.clock.run(20.0)
    first = world.requests.ask((Write("a", b"1"),), node_id=1)
    world.clock.run(25.0)
    if not isinstance(first.outcome, Done):
        return False
    world.cut_power(1)
    world.clock.run(30.0)
    world.processes[2].resume()
    world.requests.ask((Write("b", b"2"),), node_id=2)
    world.clock.run(40.0)
    return True


def test_out_of_a_writable_view_is_not_safe_enough() -> None:
    both_wrote = "another view has written in|another has committed"
    with broken("witness-vote-counts-out-of-a-writable-view"), pytest.raises(Found, match=both_wrote):
        for seed in SEEDS:
            two_nodes_of_which_one_stands_still(seed)


def test_the_core_itself_does_not_write_alone() -> None:
    assert not any(two_nodes_of_which_one_stands_still(seed) for seed in SEEDS)
