"""Corosync, pretended: rings, the one order of each, groups of processes, and what becomes of a message at a split.

Each ring has one order. Every node receives a growing prefix of it, at its own pace. When rings change, nodes that move
together first deliver the same prefix; what was not ordered yet follows its sender into the next ring. Processes join
and leave the group in places of the order. Two halves of a split may well choose the same ring sequence.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from zlib import crc32

from cluster.model import Member, RingId

TOKEN_LEFT_S = (0.01, 0.1, 1.0)  # after a split, one side may go on ordering for this long


class Clock:
    """What happens next, in order of time; ties in the order they were asked for."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.events = 0
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def after(self, delay_s: float, call: Callable[..., None], *arguments: Any) -> None:
        self._count += 1
        heapq.heappush(self._heap, (self.now_s + delay_s, self._count, call, arguments))

    def run(self, until_s: float) -> None:
        while self._heap and self._heap[0][0] <= until_s:
            self.now_s, _, call, arguments = heapq.heappop(self._heap)
            self.events += 1
            call(*arguments)
        self.now_s = until_s


@dataclass(frozen=True, slots=True)
class Weather:
    """How this seed's network and disks are. With `vain_rings`, ring sequences say nothing about what came first."""

    latency_s: float
    flush_s: float
    reform_s: float
    vain_rings: bool

    @classmethod
    def drawn(cls, dice: random.Random) -> Weather:
        return cls(
            dice.choice((0.0005, 0.005, 0.03)),
            dice.choice((0.0005, 0.003, 0.03)),
            dice.choice((0.05, 0.3, 1.5)),
            dice.random() < 0.25,
        )


class Listener(Protocol):
    """What runs on a host and is joined to the group."""

    member: Member

    def hear_view(self, ring: RingId, members: tuple[Member, ...]) -> None: ...

    def hear(self, sender: Member, payload: bytes) -> None: ...


@dataclass(slots=True)
class Item:
    """A place in a ring's order: a message, or (when `view` is set) a change of the group by `member`."""

    sender: int
    member: Member | None = None
    payload: bytes = b""
    view: tuple[Member, ...] | None = None


@dataclass(slots=True)
class Ring:
    id: RingId
    nodes: tuple[int, ...]
    order: list[Item] = field(default_factory=list)
    first_members: tuple[Member, ...] = ()
    members: tuple[Member, ...] = ()
    token_side: frozenset[int] | None = None  # None: whole; else who may still order

    def members_at(self, reach: int) -> tuple[Member, ...]:
        for item in reversed(self.order[:reach]):
            if item.view is not None:
                return item.view
        return self.first_members


@dataclass(slots=True)
class Host:
    """A machine with corosync on it. `ring_sequence` is what corosync keeps in its state directory."""

    node_id: int
    up: bool = False
    ring_sequence: int = 0
    ring: Ring | None = None
    delivered: int = 0
    arrived: set[int] = field(default_factory=set)
    outbox: deque[tuple[str, Member, bytes]] = field(default_factory=deque)
    listener: Listener | None = None
    in_group: bool = False


class Network:
    def __init__(self, clock: Clock, dice: random.Random, weather: Weather, tell: Callable[[str], None]) -> None:
        self.clock, self.dice, self.weather, self.tell = clock, dice, weather, tell
        self.hosts: dict[int, Host] = {}
        self.side: dict[int, int] = {}
        self.on_view: Callable[[tuple[Member, ...]], None] = lambda members: None
        self._reforms = 0
        self._holed: set[int] = set()
        self.trace = 0  # of every delivery, in order

    # --- what others do ---------------------------------------------------------------------------------------------

    def connected(self, left: int, right: int) -> bool:
        return self.hosts[left].up and self.hosts[right].up and self.side[left] == self.side[right]

    def boot(self, node_id: int) -> None:
        host = self.hosts.setdefault(node_id, Host(node_id))
        self.side.setdefault(node_id, 0)
        host.up = True
        self._topology_changed()

    def power_off(self, node_id: int) -> None:
        host = self.hosts[node_id]
        host.up, host.ring, host.listener, host.in_group = False, None, None, False
        host.outbox.clear()
        self._topology_changed()

    def split(self, sides: dict[int, int], token_to: int | None = None) -> None:
        """`token_to`: the side of this node is the one that may go on ordering for a while."""
        self.side.update(sides)
        self._topology_changed(token_to)

    def heal(self) -> None:
        self.split(dict.fromkeys(self.side, 0))

    def join(self, listener: Listener) -> None:
        host = self.hosts[listener.member.node_id]
        host.listener, host.in_group = listener, False
        self._send(host, "join", listener.member)

    def leave(self, member: Member) -> None:
        """The process leaves, or has died: what it sent before still goes out."""
        host = self.hosts[member.node_id]
        if host.listener is not None and host.listener.member == member:
            host.listener, host.in_group = None, False
        if host.up:
            self._send(host, "leave", member)

    def multicast(self, member: Member, payload: bytes) -> None:
        host = self.hosts[member.node_id]
        if host.up:
            self._send(host, "message", member, payload)

    # --- ordering ---------------------------------------------------------------------------------------------------

    def _send(self, host: Host, kind: str, member: Member, payload: bytes = b"") -> None:
        host.outbox.append((kind, member, payload))
        self._order_soon(host)

    def _order_soon(self, host: Host) -> None:
        slow = self.dice.random() < 0.02
        delay_s = 0.4 if slow else 2 * self.weather.latency_s
        self.clock.after(self.dice.random() * delay_s, self._order_one, host)

    def _order_one(self, host: Host) -> None:
        ring = host.ring
        if ring is None or not host.outbox or (ring.token_side is not None and host.node_id not in ring.token_side):
            return
        kind, member, payload = host.outbox.popleft()
        if kind == "message":
            self._place(ring, Item(host.node_id, member, payload))
            return
        others = [one for one in ring.members if one.node_id != member.node_id]
        if kind == "join":
            ring.members = tuple(sorted([*others, member]))
        elif member in ring.members:
            ring.members = tuple(others)
        else:
            return
        self._place(ring, Item(host.node_id, member, kind.encode(), ring.members))

    def _place(self, ring: Ring, item: Item) -> None:
        ring.order.append(item)
        for node_id in ring.nodes:
            delay_s = 0.0001 if node_id == item.sender else self.dice.expovariate(1 / self.weather.latency_s) + 0.0001
            if node_id != item.sender and self.dice.random() < 0.01:
                delay_s += self.dice.random() * 0.2
            self.clock.after(delay_s, self._arrive, ring, node_id, len(ring.order) - 1)

    def _arrive(self, ring: Ring, node_id: int, place: int) -> None:
        host = self.hosts[node_id]
        if host.ring is not ring:
            return
        sender = ring.order[place].sender
        if sender != node_id and not self.connected(node_id, sender):
            self.clock.after(0.25, self._arrive, ring, node_id, place)
            return
        host.arrived.add(place)
        while host.ring is ring and host.delivered in host.arrived:
            self._deliver_next(host, ring)

    def _deliver_next(self, host: Host, ring: Ring) -> None:
        item = ring.order[host.delivered]
        host.arrived.discard(host.delivered)
        host.delivered += 1
        if item.view is not None:
            self._show_view(host, ring, item.view)
        elif host.in_group and host.listener is not None and item.member is not None:
            self._hear(host, item)

    def _hear(self, host: Host, item: Item) -> None:
        assert host.listener is not None and item.member is not None
        self.trace = crc32(item.payload, self.trace ^ host.node_id)
        host.listener.hear(item.member, item.payload)

    def _show_view(self, host: Host, ring: Ring, members: tuple[Member, ...]) -> None:
        host.in_group = host.listener is not None and host.listener.member in members
        if host.in_group and host.listener is not None:
            host.listener.hear_view(ring.id, members)
            self.on_view(members)

    # --- rings ------------------------------------------------------------------------------------------------------

    def _topology_changed(self, token_to: int | None = None) -> None:
        self._reforms += 1
        for ring in {id(host.ring): host.ring for host in self.hosts.values() if host.ring is not None}.values():
            alive = [node_id for node_id in ring.nodes if self.hosts[node_id].ring is ring]
            sides = {self.side[node_id] for node_id in alive}
            if ring.token_side is None and (len(alive) < len(ring.nodes) or len(sides) > 1):
                side = self.side[token_to] if token_to in alive else self.dice.choice(sorted(sides))
                ring.token_side = frozenset(node_id for node_id in alive if self.side[node_id] == side)
                left_s = TOKEN_LEFT_S[-1] if token_to in alive else self.dice.random() * self.dice.choice(TOKEN_LEFT_S)
                self.clock.after(left_s, self._lose_token, ring)
        self.clock.after(self.dice.uniform(0.2, 1.8) * self.weather.reform_s, self._reform, self._reforms)

    def _lose_token(self, ring: Ring) -> None:
        if ring.token_side is not None:
            ring.token_side = frozenset()

    def _reform(self, number: int) -> None:
        if number != self._reforms:
            return
        sides: dict[int, list[Host]] = {}
        for node_id in sorted(self.hosts):
            if self.hosts[node_id].up:
                sides.setdefault(self.side[node_id], []).append(self.hosts[node_id])
        for hosts in sides.values():
            ring = hosts[0].ring
            if ring is not None and all(one.ring is ring for one in hosts) and len(hosts) == len(ring.nodes):
                ring.token_side = None
                self._kick(hosts)
            else:
                self._new_ring(hosts)

    def _new_ring(self, hosts: list[Host]) -> None:
        together: dict[int, list[Host]] = {}
        for host in hosts:
            together.setdefault(id(host.ring), []).append(host)
        joined: list[Member] = []
        self._holed.clear()
        for group in together.values():
            joined += self._finish_together(group)
        hosts = [host for host in hosts if host.up]  # delivering may have broken something
        if not hosts:
            return
        sequence = max(host.ring_sequence for host in hosts) + 4
        if self.weather.vain_rings:
            sequence = self.dice.randrange(1, 1 << 30)
        ring = Ring(RingId(sequence, hosts[0].node_id), tuple(host.node_id for host in hosts))
        ring.members = tuple(sorted(one for one in joined if self.hosts[one.node_id] in hosts))
        ring.first_members = ring.members
        for host in hosts:
            host.ring, host.ring_sequence, host.delivered, host.arrived = ring, sequence, 0, set()
        self.tell(f"ring {sequence}.{hosts[0].node_id} of {ring.nodes}, group {[m.node_id for m in ring.members]}")
        self._show_parts(ring, list(together.values()))
        self._place(ring, Item(hosts[0].node_id, view=ring.members))
        self._kick(hosts)

    def _finish_together(self, group: list[Host]) -> list[Member]:
        """Nodes of one ring that stay together deliver alike before the next; returns who is joined on them."""
        ring = group[0].ring
        if ring is None:
            return []
        node_ids = {host.node_id for host in group}
        reach = max(host.delivered for host in group)
        held = set().union(*(host.arrived for host in group))
        while reach < len(ring.order) and (reach in held or ring.order[reach].sender in node_ids):
            reach += 1
        for host in group:
            while host.up and host.ring is ring and host.delivered < reach:
                self._deliver_next(host, ring)
        self._deliver_behind_the_hole(group, ring, reach)
        for item in reversed(ring.order[reach:]):  # joins and leaves behind a hole are asked for again
            if item.view is not None and item.member is not None and item.sender in node_ids:
                self.hosts[item.sender].outbox.appendleft((item.payload.decode(), item.member, b""))
        return [
            member
            for member in ring.members_at(reach)
            if member.node_id in node_ids
            and (listener := self.hosts[member.node_id].listener) is not None
            and listener.member == member
        ]

    def _deliver_behind_the_hole(self, group: list[Host], ring: Ring, reach: int) -> None:
        """What those who stay together have sent themselves they all hear, although something before it is missing
        for good: so does corosync, and entries then stand in a wrong place."""
        node_ids = {host.node_id for host in group}
        self._holed.add(id(group))
        for item in ring.order[reach:]:
            if item.view is None and item.sender in node_ids and item.member is not None:
                for host in group:
                    if host.up and host.ring is ring and host.in_group and host.listener is not None:
                        self._hear(host, item)

    def _show_parts(self, ring: Ring, parts: list[list[Host]]) -> None:
        """Sometimes those who stayed together see themselves alone in the new ring before they see the others."""
        for group in parts:
            if self.dice.random() < 0.3 or id(group) in self._holed:
                node_ids = {host.node_id for host in group}
                members = tuple(member for member in ring.members if member.node_id in node_ids)
                for host in group:
                    if host.up and host.ring is ring:
                        self._show_view(host, ring, members)

    def _kick(self, hosts: list[Host]) -> None:
        for host in hosts:
            for _ in range(len(host.outbox)):
                self._order_soon(host)
