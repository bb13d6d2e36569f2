"""The asyncio face of a node in a simulated cluster: the same interface as the real engines, in simulated time.

Nothing here moves the clock: whoever made the `SimulatedNetwork` does, with `run_for`, `run_until` or `step`, and
events come from within those calls. A simulation that needs no asyncio talks to `network.node(id)` directly.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from cluster.core import quorum
from cluster.engine.base import EngineEvent, EngineStatus, LinkCount, LinkStatus, Measured
from cluster.engine.simulated_network import SimulatedNetwork, Timing
from cluster.engine.simulated_node import SimulatedNode
from cluster.errors import Unavailable

__all__ = ["SimulatedEngine", "SimulatedNetwork", "SimulatedNode", "Timing"]


class SimulatedEngine:
    """`cluster/engine/base.py`'s Engine for one node of a simulated network."""

    name = "simulated"

    def __init__(self, network: SimulatedNetwork, node_id: int) -> None:
        self._network = network
        self._node = network.node(node_id)

    async def start(self, on_event: Callable[[EngineEvent], None]) -> None:
        self._node.start(on_event)

    async def stop(self) -> None:
        self._node.stop()

    async def join(self, group: str) -> None:
        self._node.join(group)

    async def leave(self, group: str) -> None:
        self._node.leave(group)

    def multicast(self, group: str, payload: bytes) -> None:
        self._node.multicast(group, payload)

    async def reload(self) -> None:
        if not self._node.running:
            raise Unavailable("The engine is not connected.")
        self._network.reload(self._node.node_id)

    async def status(self) -> EngineStatus:
        node, ring = self._node, self._node.ring
        if not node.running or ring is None:
            return EngineStatus(running=False)
        nodes = tuple(member.node_id for member in ring.members)
        return EngineStatus(
            running=True,
            node_id=node.node_id,
            ring=ring.id,
            nodes=nodes,
            quorum=quorum.decide(node.votes, nodes, self._network.options, node.waiting_for_all),
            votes={node_id: node.votes.get(node_id, 0) for node_id in nodes},
            links=tuple(LinkStatus(peer, 0, peer in nodes) for peer in sorted(node.votes) if peer != node.node_id),
        )

    async def config_version(self) -> int:
        return (await self.status()).config_version

    async def measure(self, wanted: Collection[tuple[int, int]]) -> Measured:
        """There is one link, of a network without loss; its latency is what this node was delayed by."""
        node, ring = self._node, self._node.ring
        if not node.running or ring is None:
            return Measured()
        present = {member.node_id for member in ring.members}
        took_us = max(1, round(node.delay_ms * 1000))
        known = [peer_id for peer_id, link in wanted if link == 0 and peer_id in node.votes]
        return Measured(tuple(LinkCount(one, 0, one in present, took_us, took_us, 1, mtu=1500) for one in known))
