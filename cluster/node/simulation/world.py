"""The pretended cluster itself: its network in real time, its nodes, and what lies under this node's engine.

Knows nothing of pages. What befalls it is `events.py`; how it begins is `plan.py`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Collection

import msgspec

from cluster.core.effects import Fetch
from cluster.core.events import HistoryFetched
from cluster.core.machine import Machine
from cluster.engine.base import Engine, LinkCount, Measured
from cluster.engine.simulated import SimulatedEngine, SimulatedNetwork
from cluster.errors import Unavailable
from cluster.model import LinkState, Sample
from cluster.node import catchup
from cluster.node.archive import Archive
from cluster.node.options import Options
from cluster.node.simulation import events, past, plan
from cluster.node.simulation.figures import Host
from cluster.node.simulation.peer import SimulatedPeer
from cluster.store.base import Disk

TICK_S = 0.025
MTU = 1500
SAMPLE_EVERY_S = 2.0

log = logging.getLogger(__name__)
Own = Callable[[], tuple[Disk, Machine]]


class OwnEngine(SimulatedEngine):
    """This node's engine, whose links have the weather of this world."""

    def __init__(self, world: World) -> None:
        super().__init__(world.network, 1)
        self._world = world

    async def measure(self, wanted: Collection[tuple[int, int]]) -> Measured:
        took = {(peer_id, link): self._world.round_trip_us(1, peer_id, link) for peer_id, link in wanted}
        counts = (LinkCount(*key, us is not None, us, us, 1, mtu=MTU) for key, us in took.items())
        return Measured(tuple(counts))


class World:
    """Also what lies under this node's engine (`cluster/node/underlay.py`). `own`: this node's disk and machine."""

    def __init__(self, options: Options, own: Own) -> None:
        self.seed, self.own = options.seed, own
        self.links = range(options.simulated_links)
        listed = plan.nodes(options.name, options.simulated_nodes, options.simulated_links)
        plan.write_store(options.store, options.configuration_dir, listed, self.seed)
        self.network = SimulatedNetwork(self.seed, {node.node_id: node.votes for node in listed})
        start = plan.snapshot(listed, plan.configuration(listed))
        self.peers = [SimulatedPeer(self, node, start, plan.LINEAGE) for node in listed[1:]]
        self.failed_links: set[tuple[int, int]] = set()
        self._dice = random.Random(self.seed)
        self._host = Host(options.name, self.seed)
        self._running: set[asyncio.Task[None]] = set()

    # --- the underlay -------------------------------------------------------------------------------------------------

    def engine(self, node_id: int) -> Engine:
        return OwnEngine(self)

    async def start(self) -> None:
        if not self._running:
            for peer in self.peers:
                await peer.rise()
            works = (self._pass_time(), self._tell_figures(), events.live(self, self.peers, random.Random(self.seed)))
            self._running = {asyncio.get_running_loop().create_task(work) for work in works}
            for task in self._running:
                task.add_done_callback(_report)

    async def stop(self) -> None:
        return  # ends with the process: other nodes do not end when this one leaves them

    async def end(self) -> None:
        """Every node and all that happens."""
        tasks, self._running = self._running, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for peer in self.peers:
            await peer.die(with_host=False)

    async def is_running(self) -> bool:
        return bool(self._running)

    async def end_member(self, node_id: int) -> bool:
        for peer in self.peers:
            if peer.node.node_id == node_id:
                await peer.die(with_host=True)
                return True
        return False

    async def expect(self, engine: Engine, votes: int) -> None:
        return  # nobody asks a simulated corosync

    async def expect_configured(self, engine: Engine) -> None:
        return

    async def check(self, conf: bytes) -> str:
        return ""

    def sample(self, now_s: float) -> Sample:
        """This node's own figures: invented as well, for the whole of the cluster is."""
        return self._host.sample(now_s)

    async def fill(self, archive: Archive) -> None:
        """A past for every node, as if this had run for years; in the background, for it takes a moment."""
        hosts = [self._host, *(peer.host for peer in self.peers)]
        for host in hosts:
            await asyncio.to_thread(past.fill, archive.rings(host.name), host, time.time())

    # --- what nodes ask of each other ---------------------------------------------------------------------------------

    async def fetch(self, wanted: Fetch) -> HistoryFetched:
        """For this node: `catchup.PeerHistories` where there is no HTTPS to the others."""
        return await self.history(wanted)

    async def history(self, wanted: Fetch) -> HistoryFetched:
        disk, machine = self._source(wanted.source)
        body = msgspec.msgpack.encode(catchup.Wanted(wanted.have, wanted.want))
        data = await catchup.serve(body, disk, machine, lambda _: None)
        found = msgspec.msgpack.decode(data, type=catchup.History)
        return HistoryFetched(wanted.epoch, found.common, found.snapshot, found.entries)

    def _source(self, node_id: int) -> tuple[Disk, Machine]:
        if node_id == 1:
            return self.own()
        for peer in self.peers:
            if peer.node.node_id == node_id:
                disk, replica = peer.serve()
                return disk, replica.machine
        raise Unavailable(f"There is no node {node_id}.")

    # --- time and weather ---------------------------------------------------------------------------------------------

    def round_trip_us(self, node_id: int, peer_id: int, link: int) -> int | None:
        """As the node measures it now; None while nothing comes back."""
        ring = self.network.node(node_id).ring
        present = {member.node_id for member in ring.members} if ring is not None else set()
        if peer_id not in present or {(node_id, link), (peer_id, link)} & self.failed_links:
            return None
        distance_us = 150 + (node_id * peer_id * 37 + link * 101) % 400
        return round(distance_us * self._dice.uniform(0.9, 1.3) + self._dice.expovariate(1.0) * 60)

    def links_of(self, node_id: int) -> tuple[LinkState, ...]:
        """What a pretended node says of its links."""
        others = [one for one in sorted(self.network.votes) if one != node_id]
        took = {(peer, link): self.round_trip_us(node_id, peer, link) for peer in others for link in self.links}
        return tuple(LinkState(*key, us is not None, us, us, us, mtu=MTU) for key, us in took.items())

    async def fail_link(self, node_id: int, link: int, for_s: float) -> None:
        """One link of a node carries nothing for a while; the other one does, so the node stays."""
        self.failed_links.add((node_id, link))
        await asyncio.sleep(for_s)
        self.failed_links.discard((node_id, link))

    async def _pass_time(self) -> None:
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        while True:
            await asyncio.sleep(TICK_S)
            now_s = loop.time()
            self.network.run_for((now_s - before_s) * 1000)
            before_s = now_s

    async def _tell_figures(self) -> None:
        """Each peer in its own part of the two seconds, as nodes that started at different times would."""
        while True:
            for peer in self.peers:
                peer.tell_figures()
                await asyncio.sleep(SAMPLE_EVERY_S / len(self.peers))
            if not self.peers:
                return


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("A part of the simulated cluster failed.", exc_info=task.exception())
