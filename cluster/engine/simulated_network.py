"""A whole cluster in one process and in its own time, from one seed: rings form, break and merge as corosync's do.

Keeps extended virtual synchrony: nodes that leave a ring together have delivered the same of it, a sender always
delivers its own, and what a hole in the order keeps from one side only that side misses. Chosen by the seed: how long
messages and detection take, what is lost and sent again, who has the token when a ring breaks, and whether quorum is
told before or after the group. Same seed, same calls: same world, event for event.

A simulation drives it with `at` and `run_*`, and plays each node's process through `node()`. See `simulated.py` for
the asyncio face of the same.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.core.quorum import Options
from cluster.engine.simulated_node import SimulatedNode
from cluster.engine.simulated_ring import Ring, RingStarted, groups_of, hear, recover, whole
from cluster.model import RingId

LOG_KEPT_MAX = 4096
SEQUENCE_STEP = 4


@dataclass(frozen=True, slots=True)
class Timing:
    """Ranges and means of simulated time, all in milliseconds; the defaults are a LAN with a token timeout of 1 s."""

    token_round_ms: tuple[float, float] = (0.05, 0.6)  # until a node may send
    latency_min_ms: float = 0.2
    latency_mean_ms: float = 0.6  # beyond the least
    loss_rate: float = 0.02  # of arrivals; sent again
    resend_max_ms: float = 300.0
    break_ms: tuple[float, float] = (1000.0, 3000.0)  # token timeout and consensus
    merge_ms: tuple[float, float] = (100.0, 600.0)
    stall_max_ms: float = 2.0  # how long the token may still go round among those who hear each other
    skew_max_ms: float = 10.0  # between two nodes' news of the same ring
    quorum_skew_max_ms: float = 20.0
    window: int = 32  # messages a node sends per token


class SimulatedNetwork:
    """`votes` is the nodelist: node id → votes. Change it and have a node reload to change the configuration."""

    def __init__(
        self, seed: int, votes: Mapping[int, int], timing: Timing | None = None, options: Options | None = None
    ) -> None:
        self.random = random.Random(seed)
        self.votes = dict(votes)
        self.timing = timing or Timing()
        self.options = options or Options()
        self.now_ms = 0.0
        self.events = 0  # performed so far
        self._agenda: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._planned = 0
        self._topology = 0  # counts changes, so that only the newest one's reform takes place
        self._nodes: dict[int, SimulatedNode] = {}
        for node_id in sorted(votes):
            self.node(node_id)

    def node(self, node_id: int) -> SimulatedNode:
        """The node of this id, made when it is new."""
        if node_id not in self._nodes:
            self._nodes[node_id] = SimulatedNode(self, node_id)
            self._nodes = dict(sorted(self._nodes.items()))
            self._nodes[node_id].votes = dict(self.votes)
            self._topology_changed()
        return self._nodes[node_id]

    @property
    def nodes(self) -> tuple[SimulatedNode, ...]:
        return tuple(self._nodes.values())

    # --- time ---------------------------------------------------------------------------------------------------------

    def at(self, delay_ms: float, action: Callable[..., None], *arguments: Any) -> None:
        """Do this after so long; of what is due at the same moment, first planned is first done."""
        self._planned += 1
        heapq.heappush(self._agenda, (self.now_ms + delay_ms, self._planned, action, arguments))

    def step(self) -> bool:
        """Do the next thing on the agenda; False when there is nothing."""
        if not self._agenda:
            return False
        self.now_ms, _, action, arguments = heapq.heappop(self._agenda)
        self.events += 1
        action(*arguments)
        return True

    def run_for(self, duration_ms: float) -> None:
        """Let this much time pass."""
        end_ms = self.now_ms + duration_ms
        while self._agenda and self._agenda[0][0] <= end_ms:
            self.step()
        self.now_ms = end_ms

    def run_until(self, predicate: Callable[[], bool], limit_ms: float = 60_000.0) -> bool:
        """Let time pass until it holds, looking after each step; False when it does not within the limit."""
        end_ms = self.now_ms + limit_ms
        while not predicate():
            if not self._agenda or self._agenda[0][0] > end_ms:
                self.now_ms = end_ms
                return predicate()
            self.step()
        return True

    # --- faults and cures ---------------------------------------------------------------------------------------------

    def split(self, sides: Sequence[Sequence[int]]) -> None:
        """Nodes of different sides no longer hear each other; nodes on no side hear those on no side."""
        side_of = {node_id: number for number, side in enumerate(sides, start=1) for node_id in side}
        for node in self.nodes:
            node.side = side_of.get(node.node_id, 0)
        self._topology_changed()

    def isolate(self, node_id: int) -> None:
        self._nodes[node_id].side = -node_id
        self._topology_changed()

    def heal(self) -> None:
        self.split([])

    def crash(self, node_id: int) -> None:
        """The whole node is gone, without a word."""
        self._down(node_id, "")

    def lose(self, node_id: int) -> None:
        """The transport under the node's process dies; the process lives on and hears so."""
        self._down(node_id, "The simulated transport is gone.")

    def boot(self, node_id: int) -> None:
        """The node is there again, without a process."""
        node = self._nodes[node_id]
        if not node.up:
            node.up = True
            node.waiting_for_all = True
            node.votes = dict(self.votes)
            self._topology_changed()

    def kill(self, node_id: int) -> None:
        """The process on the node dies; the node stays in its ring."""
        self._nodes[node_id].stop()

    def delay(self, node_id: int, extra_ms: float) -> None:
        """Everything reaches this node later by so much; 0 cures it."""
        self._nodes[node_id].delay_ms = extra_ms

    def reload(self, node_id: int) -> None:
        """Every node in this one's ring takes the votes as they are now."""
        ring = self._nodes[node_id].ring
        for node in ring.members if ring is not None else ():
            self.at(self.random.random() * self.timing.skew_max_ms, self._take_votes, node, ring)

    def _down(self, node_id: int, reason: str) -> None:
        node = self._nodes[node_id]
        if node.up:
            node.crash(reason)
            self._topology_changed()

    # --- sending and arriving -----------------------------------------------------------------------------------------

    def visit_soon(self, node: SimulatedNode) -> None:
        """The token comes round to a node that has something to send."""
        if node.queue and not node.visited_soon:
            node.visited_soon = True
            low, high = self.timing.token_round_ms
            self.at(low + self.random.random() * (high - low), self._visit, node)

    def _visit(self, node: SimulatedNode) -> None:
        node.visited_soon = False
        ring = node.ring
        if ring is None or node.delivered == 0 or not self._may_send(node, ring):
            return  # it is visited again once its ring has started here, or the token is back
        first = ring.length
        for _ in range(min(len(node.queue), self.timing.window)):
            ring.log.append((node.node_id, node.queue.popleft()))
        for receiver in ring.members:
            self.at(self._latency_ms(node, receiver), self._arrive, ring, receiver, node, first, ring.length)
        if len(ring.log) > LOG_KEPT_MAX:
            ring.forget_delivered()
        self.visit_soon(node)

    def _may_send(self, node: SimulatedNode, ring: Ring) -> bool:
        if ring.stalled_at_ms is None:
            return True
        return self.now_ms < ring.stalled_at_ms and ring.token_at is not None and hear(node, ring.token_at)

    def _latency_ms(self, sender: SimulatedNode, receiver: SimulatedNode) -> float:
        timing, chance = self.timing, self.random.random
        if sender is receiver:
            return timing.latency_min_ms
        latency_ms = timing.latency_min_ms + self.random.expovariate(1.0) * timing.latency_mean_ms + receiver.delay_ms
        return latency_ms + (chance() * timing.resend_max_ms if chance() < timing.loss_rate else 0.0)

    def _arrive(self, ring: Ring, receiver: SimulatedNode, sender: SimulatedNode, first: int, end: int) -> None:
        if receiver.ring is not ring:
            return
        if receiver is not sender and not self._reachable(ring, receiver, sender, end - 1):
            self.at(self.timing.resend_max_ms, self._arrive, ring, receiver, sender, first, end)
            return
        receiver.got.update(range(max(first, receiver.delivered), end))
        receiver.deliver_ready(ring)

    def _reachable(self, ring: Ring, receiver: SimulatedNode, sender: SimulatedNode, k: int) -> bool:
        """From the sender, or sent again by another node that has it."""
        if sender.ring is ring and hear(receiver, sender):
            return True
        return any(hear(receiver, other) and other.ring is ring and other.holds(k) for other in ring.members)

    # --- rings --------------------------------------------------------------------------------------------------------

    def tell_quorum_later(self, node: SimulatedNode) -> None:
        """Early or late: quorum comes on a way of its own."""
        if node.ring is not None:
            self.at(self.random.random() * self.timing.quorum_skew_max_ms, node.tell_quorum, node.ring)

    def _take_votes(self, node: SimulatedNode, ring: Ring) -> None:
        if node.ring is ring:
            node.votes = dict(self.votes)
            node.tell_quorum(ring)

    def _topology_changed(self) -> None:
        """Rings that are no longer whole stall; after a while all who hear each other form rings anew."""
        self._topology += 1
        broken = False
        for ring in self._rings():
            if whole(ring):
                ring.stalled_at_ms = None
                for node in ring.members:
                    self.visit_soon(node)
            else:
                broken = True
                self._stall(ring)
        low, high = self.timing.break_ms if broken else self.timing.merge_ms
        self.at(low + self.random.random() * (high - low), self._reform, self._topology)

    def _stall(self, ring: Ring) -> None:
        if ring.stalled_at_ms is None:
            ring.stalled_at_ms = self.now_ms + self.random.random() * self.timing.stall_max_ms
            ring.token_at = self.random.choice([node for node in ring.members if node.ring is ring])

    def _rings(self) -> list[Ring]:
        """Each ring some node is in, in the order of node ids."""
        return list({id(node.ring): node.ring for node in self.nodes if node.ring is not None}.values())

    def _reform(self, topology: int) -> None:
        if topology != self._topology:
            return
        sides: dict[int, list[SimulatedNode]] = {}
        for node in self.nodes:
            if node.up:
                sides.setdefault(node.side, []).append(node)
        for side in sides.values():
            ring = side[0].ring
            if ring is None or not whole(ring) or ring.members != side:
                self._new_ring(side)

    def _new_ring(self, side: list[SimulatedNode]) -> None:
        old_rings: dict[int, tuple[Ring, list[SimulatedNode]]] = {}
        for node in side:
            if node.ring is not None:
                old_rings.setdefault(id(node.ring), (node.ring, []))[1].append(node)
        for ring, together in old_rings.values():
            recover(ring, together)
        members = [node for node in side if node.up]  # a listener may have brought one down
        if not members:
            return
        sequence = max(node.ring_sequence for node in members) + SEQUENCE_STEP
        ring = Ring(RingId(sequence, members[0].node_id), members, RingStarted(groups_of(members)))
        for node in members:
            node.enter(ring)
        for node in members:
            skew_ms = self.random.random() * self.timing.skew_max_ms
            self.at(skew_ms + node.delay_ms, self._arrive, ring, node, node, 0, 1)
            self.tell_quorum_later(node)
