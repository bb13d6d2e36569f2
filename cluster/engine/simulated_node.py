"""One node of a simulated cluster, as its group communication sees it: a place in a ring, groups, a queue, a process.

Delivers what its ring says in the ring's order and keeps no clock: when things arrive is decided by
`simulated_network.py`. The process on the node is whoever gave `on_event`; it can die while the node stays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from cluster.core import quorum
from cluster.engine.base import (
    MESSAGE_SIZE_MAX,
    QUEUE_MESSAGES_MAX,
    Delivered,
    EngineEvent,
    EngineLost,
    GroupChanged,
    QuorumChanged,
)
from cluster.engine.simulated_ring import Item, Joined, Left, Ring, RingStarted
from cluster.errors import Busy, InvalidInput, Unavailable
from cluster.model import Member

if TYPE_CHECKING:
    from cluster.engine.simulated_network import SimulatedNetwork


class SimulatedNode:
    """Methods are called by whoever plays the process, at once and in any order; events come when the clock moves."""

    __slots__ = (
        "_backlog",
        "_network",
        "_on_event",
        "_paused",
        "_pid",
        "_wanted",
        "delivered",
        "delay_ms",
        "got",
        "groups",
        "joined",
        "member",
        "node_id",
        "queue",
        "ring",
        "ring_sequence",
        "side",
        "up",
        "visited_soon",
        "votes",
        "waiting_for_all",
    )

    def __init__(self, network: SimulatedNetwork, node_id: int) -> None:
        self._network = network
        self.node_id = node_id
        self.up = True
        self.side = 0
        self.delay_ms = 0.0
        self.ring_sequence = 0  # on the node's disk: a crash leaves it
        self.votes: dict[int, int] = {}
        self.waiting_for_all = True
        self.ring: Ring | None = None
        self.delivered = 0  # items of the ring delivered here; 0 while the ring's start is not known here yet
        self.got: set[int] = set()  # items received ahead of their turn
        self.groups: dict[str, set[Member]] = {}
        self.queue: deque[Item] = deque()
        self.visited_soon = False
        self.joined: set[str] = set()
        self._pid = 1000 * node_id
        self.member = Member(node_id, self._pid)
        self._wanted: set[str] = set()
        self._on_event: Callable[[EngineEvent], None] | None = None
        self._paused = False
        self._backlog: deque[EngineEvent] = deque()

    # --- what a process does ------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._on_event is not None

    def start(self, on_event: Callable[[EngineEvent], None]) -> None:
        """A process starts, and the node with it when it was down."""
        self.stop()
        self._pid += 1
        self.member = Member(self.node_id, self._pid)
        self._on_event = on_event
        if self.up:
            self.votes = dict(self._network.votes)
            self._network.tell_quorum_later(self)
        else:
            self._network.boot(self.node_id)

    def stop(self) -> None:
        """The process ends; of what it still had to say nobody hears, but that it is gone. Also what a kill does."""
        if not self.running:
            return
        self._forget_process()
        unheard = [item for item in self.queue if isinstance(item, Left)]
        self.queue = deque([*unheard, *(Left(group, self.member) for group in sorted(self._wanted))])
        self._wanted.clear()
        self._network.visit_soon(self)

    def join(self, group: str) -> None:
        self._check_running()
        if group not in self._wanted:
            self._wanted.add(group)
            self._send(Joined(group, self.member))

    def leave(self, group: str) -> None:
        if group in self._wanted:
            self._wanted.discard(group)
            self.joined.discard(group)
            self._send(Left(group, self.member))

    def multicast(self, group: str, payload: bytes) -> None:
        self._check_running()
        if group not in self._wanted:
            raise Unavailable(f"Nothing can be sent to group {group}: this node is not a member of it now.")
        if len(payload) > MESSAGE_SIZE_MAX:
            raise InvalidInput(f"A message of {len(payload)} bytes is larger than the {MESSAGE_SIZE_MAX} allowed.")
        if len(self.queue) >= QUEUE_MESSAGES_MAX:
            raise Busy("Too many messages are waiting to be sent; try again.")
        self._send(Delivered(group, self.member, payload))

    def pause(self) -> None:
        """The process hears nothing until `resume`, and then everything at once; its node goes on without it."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        while self._backlog and not self._paused and self._on_event is not None:
            self._on_event(self._backlog.popleft())

    def _check_running(self) -> None:
        if not self.running:
            raise Unavailable("The engine is not connected.")

    def _send(self, item: Item) -> None:
        self.queue.append(item)
        self._network.visit_soon(self)

    def _forget_process(self) -> None:
        self._on_event = None
        self._paused = False
        self._backlog.clear()
        self.joined.clear()

    # --- what the network does to it ----------------------------------------------------------------------------------

    def crash(self, reason: str = "") -> None:
        """The node is gone at once, its process with it; with a `reason` the process lives on and is told."""
        on_event = self._on_event
        self._forget_process()
        self._wanted.clear()
        self.queue.clear()
        self.up = False
        self.ring = None
        self.got = set()
        if reason and on_event is not None:
            on_event(EngineLost(reason))

    def enter(self, ring: Ring) -> None:
        """The node is in this ring from now on; its process hears of it when item 0 is delivered."""
        self.ring = ring
        self.ring_sequence = ring.id.sequence
        self.delivered = 0
        self.got = set()

    def holds(self, k: int) -> bool:
        return k < self.delivered or k in self.got

    def deliver_ready(self, ring: Ring) -> None:
        """Deliver what is next in order and here, until something is missing or a listener changes the world."""
        got = self.got
        while self.ring is ring and self.delivered in got:
            got.remove(self.delivered)
            self.deliver(ring.log[self.delivered - ring.base][1])

    def deliver(self, item: Item) -> None:
        self.delivered += 1
        if isinstance(item, Delivered):
            if item.group in self.joined:
                self._tell(item)
        elif isinstance(item, RingStarted):
            self.groups = {group: set(members) for group, members in item.groups.items()}
            for group in sorted(self.joined):
                self._tell_group(group)
            self._network.visit_soon(self)
        else:
            self._change_group(item)

    def tell_quorum(self, ring: Ring) -> None:
        if self.ring is ring and self.running:
            nodes = tuple(node.node_id for node in ring.members)
            options = self._network.options
            self.waiting_for_all = quorum.still_waiting(self.votes, nodes, options, self.waiting_for_all)
            decided = quorum.decide(self.votes, nodes, options, self.waiting_for_all)
            self._tell(QuorumChanged(ring.id, nodes, decided))

    def _change_group(self, item: Joined | Left) -> None:
        members = self.groups.setdefault(item.group, set())
        if isinstance(item, Joined):
            members.add(item.member)
            if item.member == self.member and item.group in self._wanted:
                self.joined.add(item.group)
        else:
            members.discard(item.member)
            if item.member == self.member:
                self.joined.discard(item.group)
        if item.group in self.joined:
            self._tell_group(item.group)

    def _tell_group(self, group: str) -> None:
        assert self.ring is not None
        self._tell(GroupChanged(group, self.ring.id, tuple(sorted(self.groups.get(group, ())))))

    def _tell(self, event: EngineEvent) -> None:
        if self._paused:
            self._backlog.append(event)
        elif self._on_event is not None:
            self._on_event(event)
