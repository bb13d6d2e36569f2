"""One group on corosync: a CPG handle on the event loop, its queue of messages, and the views it told.

Sending: corosync accepts without end for a reader that is slow, so a group keeps its own window of messages that were
sent and have not come back; the rest wait in a bounded queue, whose head is offered again when corosync takes no more
just now. Receiving: `Views` turns what CPG tells into `GroupChanged` with the right ring. Who owns the groups, and
what a dead handle means, is `corosync.py`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from cluster.corosync.cpg import Cpg, CpgEvent, Message, Ring
from cluster.engine.base import MESSAGE_SIZE_MAX, QUEUE_MESSAGES_MAX, Delivered, EngineEvent, GroupChanged
from cluster.errors import Busy, CorosyncError, InvalidInput
from cluster.model import Member, RingId

WINDOW_MESSAGES, WINDOW_BYTES = 256, 8 << 20  # sent and not yet delivered to ourselves
QUEUE_BYTES_MAX = 64 << 20
RETRY_S, RETRY_MAX_S = 0.001, 0.016  # twice as long after each try: while nodes agree on who is there all are refused
EVENTS_PER_TURN = 64  # then the loop may look after others; the descriptor stays readable


class Views:
    """Joins CPG's memberships with its rings, which come apart.

    Seen with corosync 3.1.7 and three nodes, always in this order and with no message between the two:

    - own join: membership, then the ring (asked for by CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF);
    - a process joins, leaves or dies: membership alone;
    - split, merge, death of a node: one membership with reasons NODEDOWN or NODEUP, then the ring;
    - a node comes or goes that has no process in the group: the ring alone;
    - a corosync stopped in order: membership (its processes leave), milliseconds later the ring.

    So a membership caused by the ring waits for the ring, and the first membership does in any case.
    """

    def __init__(self, group: str) -> None:
        self._group = group
        self._members: tuple[Member, ...] | None = None
        self._ring: RingId | None = None
        self._waiting = False
        self._told: GroupChanged | None = None

    def take(self, event: CpgEvent) -> list[EngineEvent]:
        """What the engine tells because of this."""
        if isinstance(event, Message):
            # A message is never told before the view it belongs to, even if corosync should come to order differently.
            told = self._tell() if self._waiting else []
            return [*told, Delivered(self._group, event.sender, event.payload)]
        if isinstance(event, Ring):
            self._ring = event.ring
            return self._tell()
        self._members = event.members
        self._waiting = event.with_ring or self._ring is None
        return [] if self._waiting else self._tell()

    def _tell(self) -> list[EngineEvent]:
        if self._members is None or self._ring is None:
            return []
        self._waiting = False
        view = GroupChanged(self._group, self._ring, self._members)
        if view == self._told:
            return []
        self._told = view
        return [view]


class Group:
    """A joined group. `emit` hears its events; `lost` hears, once, why the handle is dead."""

    def __init__(
        self,
        name: str,
        cpg: Cpg,
        me: Member,
        emit: Callable[[EngineEvent], None],
        lost: Callable[[CorosyncError], None],
    ) -> None:
        self.name, self.cpg = name, cpg
        self._me, self._emit, self._lost = me, emit, lost
        self._views = Views(name)
        self._queue: deque[bytes] = deque()
        self._queue_bytes = 0
        self._in_flight: deque[int] = deque()  # sizes, oldest first
        self._in_flight_bytes = 0
        self._retry: asyncio.Handle | None = None
        self._retry_s = RETRY_S
        self._loop = asyncio.get_running_loop()
        self._fd = cpg.fd()
        self._attached = True
        self._loop.add_reader(self._fd, self._readable)

    def detach(self) -> Cpg:
        """Stop listening and sending; from here on nothing is emitted. The handle is the caller's to close."""
        if self._attached:
            self._attached = False
            self._loop.remove_reader(self._fd)
            if self._retry is not None:
                self._retry.cancel()
            self._queue.clear()
        return self.cpg

    def multicast(self, payload: bytes) -> None:
        """Queue, and send what may be sent. Raises Busy and InvalidInput."""
        if len(payload) > MESSAGE_SIZE_MAX:
            raise InvalidInput(f"a message has at most {MESSAGE_SIZE_MAX} bytes, not {len(payload)}")
        if len(self._queue) >= QUEUE_MESSAGES_MAX or self._queue_bytes + len(payload) > QUEUE_BYTES_MAX:
            raise Busy(f"{len(self._queue)} messages for group {self.name} wait for corosync; try again")
        self._queue.append(payload)
        self._queue_bytes += len(payload)
        self._pump()

    # --- sending ------------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Offer the head of the queue to corosync until the window is full or corosync takes no more."""
        if self._retry is not None:
            return
        while self._queue and self._window_open():
            payload = self._queue[0]
            try:
                taken = self.cpg.multicast(payload)
            except CorosyncError as error:
                # Told from the loop: the caller of multicast must not find the engine gone in mid-call.
                self._retry = self._loop.call_soon(self._fail, error)
                return
            if not taken:
                self._retry = self._loop.call_later(self._retry_s, self._try_again)
                self._retry_s = min(2 * self._retry_s, RETRY_MAX_S)
                return
            self._retry_s = RETRY_S
            self._queue.popleft()
            self._queue_bytes -= len(payload)
            self._in_flight.append(len(payload))
            self._in_flight_bytes += len(payload)

    def _try_again(self) -> None:
        self._retry = None
        self._pump()

    def _window_open(self) -> bool:
        if not self._in_flight:
            return True
        wanted = self._in_flight_bytes + len(self._queue[0])
        return len(self._in_flight) < WINDOW_MESSAGES and wanted <= WINDOW_BYTES

    # --- receiving ----------------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        try:
            events = self.cpg.dispatch(EVENTS_PER_TURN)
        except CorosyncError as error:
            self._fail(error)
            return
        for event in events:
            if isinstance(event, Message) and event.sender == self._me:
                self._in_flight_bytes -= self._in_flight.popleft()
            for told in self._views.take(event):
                if not self._attached:
                    return
                self._emit(told)
        if self._attached and self._queue:
            self._pump()

    def _fail(self, error: CorosyncError) -> None:
        if self._attached:
            self._lost(error)
