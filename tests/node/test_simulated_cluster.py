"""A whole site over a pretended cluster: one real daemon in the midst of seeded nodes that live in its process."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from cluster.model import ClusterState
from cluster.node.daemon import Daemon, Options
from cluster.node.simulation import plan
from cluster.node.simulation.figures import Host
from cluster.node.simulation.world import World
from tests.node.alone import Alone

NOON = 1_790_000_000.0


@contextlib.asynccontextmanager
async def simulated(folder: Path, count: int) -> AsyncIterator[Alone]:
    folder.mkdir(mode=0o750, exist_ok=True)
    daemon = Daemon(Options("alpha", folder, "127.0.0.1", engine="simulated", simulated_nodes=count, seed=7))
    await daemon.start()
    try:
        yield Alone(daemon)
    finally:
        await daemon.stop()


async def shows(node: Alone, holds: Callable[[ClusterState], bool]) -> ClusterState:
    async with asyncio.timeout(30):
        while (state := node.daemon.publisher.state) is None or not holds(state):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return state


async def test_its_nodes_are_members_and_a_write_is_kept_by_all_of_them(tmp_path: Path) -> None:
    async with simulated(tmp_path / "alpha", 4) as node:
        state = await shows(node, lambda state: all(one.sample for one in state.nodes) and bool(state.quorum))
        assert [one.name for one in state.nodes] == ["alpha", "beta", "gamma", "delta"]
        assert state.quorum is not None and state.quorum.total_votes == 4 and state.engine == "simulated"
        await node.write("notes", "kept")
        world = node.daemon.underlay
        assert isinstance(world, World)
        trees = [peer.driver.replica.machine.tree for peer in world.peers if peer.driver is not None]
        async with asyncio.timeout(30):
            while any(tree.read("notes") != b"kept" for tree in trees):  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_a_node_that_dies_is_offline_until_it_rises(tmp_path: Path) -> None:
    async with simulated(tmp_path / "alpha", 3) as node:
        await shows(node, lambda state: all(one.online for one in state.nodes))
        world = node.daemon.underlay
        assert isinstance(world, World)
        await world.peers[1].die(with_host=True)
        state = await shows(node, lambda state: [one.online for one in state.nodes] == [True, True, False])
        await shows(node, lambda state: state.quorum is not None and state.quorum.total_votes == 2)
        await world.peers[1].rise()
        await shows(node, lambda state: all(one.online for one in state.nodes))
        assert state.local_node == "alpha"


async def test_links_are_measured_from_both_ends_and_one_that_fails_is_seen(tmp_path: Path) -> None:
    async with simulated(tmp_path / "alpha", 3) as node:
        await shows(node, lambda state: all(len(one.link_states) == 4 for one in state.nodes))
        world = node.daemon.underlay
        assert isinstance(world, World)
        world.failed_links.add((2, 1))
        await shows(
            node, lambda state: [sum(not up.connected for up in one.link_states) for one in state.nodes] == [1, 2, 1]
        )


@pytest.mark.parametrize("count", [1, 3, 64])
def test_a_plan_names_this_node_first_and_nobody_twice(count: int) -> None:
    listed = plan.nodes("gamma", count)
    assert listed[0].name == "gamma"
    assert len({node.name for node in listed}) == len(listed) == count
    assert plan.configuration(listed).count(b"ring0_addr") == count


def test_the_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    assert Host("beta", 1).sample(NOON) == Host("beta", 1).sample(NOON)
    assert Host("beta", 1).sample(NOON) != Host("beta", 2).sample(NOON)


def test_figures_are_possible_ones() -> None:
    for hour in range(24 * 7):
        values = Host("beta", 3).sample(NOON + hour * 3600).values
        assert 0 <= values["cpu"] <= 1
        assert 0 <= values["memused"] <= values["memtotal"]
        assert 0 <= values["rootused"] <= values["roottotal"]
        assert min(values.values()) >= 0
