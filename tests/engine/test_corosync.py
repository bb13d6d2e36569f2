"""The engine's contract on three real corosyncs, one engine process in each node of a lab."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from cluster.engine.base import Delivered
from lab import Lab, corosync, faults
from tests.engine.contract import EngineContract, Pair, Recorder, World, joined
from tests.engine.remote import RemoteEngine

pytestmark = [pytest.mark.corosync, pytest.mark.timeout(120)]
TOKEN_MS = 1000


class CorosyncWorld(World):
    """Every test has three nodes in one ring, however few engines it asks for."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.remotes: list[RemoteEngine] = []

    async def engines(self, n: int) -> list[Pair]:
        self.remotes = [RemoteEngine(self.lab, node) for node in self.lab.nodes[:n]]
        recorders = [Recorder() for _ in self.remotes]
        pairs = list(zip(self.remotes, recorders, strict=True))
        await asyncio.gather(*(engine.start(recorder) for engine, recorder in pairs))
        return list(pairs)

    async def split(self, sides: list[list[int]]) -> None:
        faults.split(self.lab, [[self.lab.nodes[i] for i in side] for side in sides])

    async def heal(self) -> None:
        faults.heal(self.lab)

    async def kill(self, i: int) -> None:
        self.remotes.pop(i).kill()

    async def lose(self, i: int) -> None:
        corosync.kill(self.lab, self.lab.nodes[i])

    async def restore(self, i: int) -> None:
        corosync.start(self.lab, [self.lab.nodes[i]])

    async def flood(self, i: int, group: str, payloads: Sequence[bytes]) -> int:
        return await asyncio.to_thread(self.remotes[i].flood, group, payloads)

    def close(self) -> None:
        for remote in self.remotes:
            remote.close()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Lab]:
    lab = Lab(f"engine{os.getpid()}")
    try:
        lab.up(links=2)
        corosync.configure(lab, TOKEN_MS)
        yield lab
    finally:
        lab.down()


@pytest.fixture
async def world(nodes: Lab) -> AsyncIterator[CorosyncWorld]:
    faults.heal(nodes)
    corosync.start(nodes)
    corosync.wait_quorate(nodes, timeout_s=30)
    made = CorosyncWorld(nodes)
    yield made
    made.close()


class TestCorosync(EngineContract):
    async def test_a_member_that_stands_still_for_a_while_misses_nothing_and_holds_nobody_up(
        self, world: CorosyncWorld
    ) -> None:
        pairs = await joined(world, 2)
        world.remotes[1].signal(signal.SIGSTOP)
        try:
            payloads = [b"%06d" % number + b"." * 50_000 for number in range(400)]
            accepted = await world.flood(0, "config", payloads)
            await world.until(lambda: len(pairs[0][1].payloads("config")) == accepted)
        finally:
            world.remotes[1].signal(signal.SIGCONT)
        await world.until(lambda: len(pairs[1][1].payloads("config")) == accepted)
        assert pairs[0][1].payloads("config") == pairs[1][1].payloads("config") == payloads[:accepted]

    async def test_a_corosync_that_stops_in_order_is_a_loss_too(self, world: CorosyncWorld) -> None:
        pairs = await joined(world, 2)
        corosync.kill(world.lab, "beta", signal.SIGTERM)
        await world.until(pairs[1][1].lost)
        await world.until(lambda: pairs[0][1].member_nodes("config") == (1,))
        assert [e for e in pairs[1][1].events if isinstance(e, Delivered)] == []
