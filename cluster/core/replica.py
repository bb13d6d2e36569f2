"""The replicated state machine: events in, effects out. Start reading at `DELIVERIES`, the table of what is heard when.

The way of a view (reliability reference §2.3; the choice of epochs is in docs/decisions):

    COLLECTING  everyone multicasts State; when all (or, after a while, enough) have spoken, all choose alike:
                the source is the longest history by (epoch, index); no majority of votes → READ_ONLY
    PROMISING   the epoch is promised on disk by a majority before anyone installs it
    FETCHING    a node that lacks part of the source's history gets it, outside the group
    INSTALLING  the chosen history and the epoch's first entry go to disk
    INSTALLED   Ack; once a majority holds the epoch's first entry it is committed, and with it all before it
    ACTIVE      writes: ordered by the engine, appended and flushed by each, acknowledged, committed by majority

Every choice is made at a place in the agreed order, so all members choose alike without a leader. This module reads no
clock and touches nothing: effects.py says what must become true and when.
"""

from __future__ import annotations

from collections.abc import Callable

from cluster.core.agreement import AGREEING
from cluster.core.effects import (
    Alarm,
    AppendRecord,
    Effect,
    Multicast,
    Resign,
    SetTimer,
)
from cluster.core.events import (
    Delivered,
    Event,
    Expired,
    FetchFailed,
    HistoryFetched,
    Looked,
    Persisted,
    PersistFailed,
    Proposed,
    ReadAsked,
    ReadGivenUp,
    TimerFired,
    ViewChanged,
    ViewLost,
)
from cluster.core.lagging import Lagging
from cluster.core.messages import (
    WHOLE_BYTES_MAX,
    Ack,
    AnyMessage,
    Append,
    Barrier,
    Confirm,
    Part,
    Proceed,
    Promise,
    StartAgain,
    State,
    decode,
    encode,
    view_name,
)
from cluster.core.operations import may_come_from
from cluster.core.work import Phase, Work
from cluster.errors import InvalidInput

SILENCE_MS = 2000
QUEUE_BYTES_MAX = 64 << 20

__all__ = ["DELIVERIES", "EVENTS", "Phase", "Replica"]


class Replica(Lagging):
    """One node's replica."""

    # --- what others may ask ----------------------------------------------------------------------------------------

    @property
    def writable(self) -> bool:
        return self.phase is Phase.ACTIVE

    @property
    def members(self) -> tuple[int, ...]:
        return self.work.members

    # --- events -----------------------------------------------------------------------------------------------------

    def step(self, event: Event) -> list[Effect]:
        """Take one event; returns the effects, in the order they must be performed."""
        now: list[Effect] = []
        if self.phase is not Phase.FAILED or isinstance(event, ASKED):
            EVENTS[type(event)](self, event, now)
        if self.reads:
            self._go_on_reading(now)
        return now

    def _on_view(self, event: ViewChanged, now: list[Effect]) -> None:
        view = view_name(event.ring, event.members)
        members = tuple(member.node_id for member in event.members)
        self.work = Work(view, view + self.uuid.encode()[:8], event.ring.sequence, members)
        self._become(Phase.COLLECTING, AGREEING)
        now.append(SetTimer(f"silence {view.hex()}", SILENCE_MS))
        self._let_go_of_what_is_not_claimed(now)
        self._say_state(now)

    def _on_view_lost(self, event: ViewLost, now: list[Effect]) -> None:
        self._be_sure_of_all()
        self.work = Work()
        self._become(Phase.OFFLINE, event.reason)
        self._fail_unsent(now)

    def _on_delivered(self, event: Delivered, now: list[Effect]) -> None:
        self._hear(event.sender, event.payload, now)

    def _hear(self, sender: int, payload: bytes, now: list[Effect], *, in_pieces: bool = False) -> None:
        try:
            message = decode(payload)
        except InvalidInput as error:
            now.append(Alarm(f"Node {sender} sent {error.message}."))
            return
        if in_pieces and isinstance(message, Part):
            now.append(Alarm(f"Node {sender} sent pieces of pieces; they are ignored."))
            return
        handler = DELIVERIES.get(self.phase, {}).get(type(message))
        expected = self.work.view if isinstance(message, State | Proceed) else self.work.session
        if handler is not None and message.view == expected and sender in self.work.members:
            handler(self, sender, message, now)

    def _on_persisted(self, event: Persisted, now: list[Effect]) -> None:
        self._persisted = max(self._persisted, event.ticket)
        work = self.work
        if self.phase in (Phase.COLLECTING, Phase.READ_ONLY):
            self._say_state(now)
        elif self.phase is Phase.PROMISING and not work.promise_said and self._persisted >= work.promise_ticket:
            work.promise_said = True
            now.append(Multicast(encode(Promise(work.session, work.epoch))))
        elif self.phase is Phase.INSTALLING and self._persisted >= work.install_ticket:
            self._finish_install(now)
        elif self.phase in (Phase.INSTALLED, Phase.ACTIVE):
            self._count_own(now)
            self._commit(now)

    def _on_persist_failed(self, event: PersistFailed, now: list[Effect]) -> None:
        self._become(Phase.FAILED, event.reason)
        self.failed_errno = event.errno
        now.append(Resign(event.reason))
        now += self.machine.proposals.give_up_all(event.reason, event.errno)

    def _on_timer(self, event: TimerFired, now: list[Effect]) -> None:
        work = self.work
        if self.phase is Phase.COLLECTING and event.name == f"silence {work.view.hex()}":
            if work.states and self.node_id == min(work.states):
                now.append(Multicast(encode(Proceed(work.view))))
            now.append(SetTimer(event.name, SILENCE_MS))
        elif self.phase is Phase.FETCHING and event.name == f"fetch {work.epoch}":
            self._fetch(now)
        elif self.phase in (Phase.INSTALLED, Phase.ACTIVE) and event.name == self._ack_timer():
            self._on_ack_timer(now)

    # --- writing ----------------------------------------------------------------------------------------------------

    def _finish_install(self, now: list[Effect]) -> None:
        work = self.work
        self._become(Phase.INSTALLED, "Waiting until a majority of the votes holds the latest state.")
        work.unacked = [(work.install_ticket, self.machine.log.last)]
        self._count_own(now)
        queued, work.queue, work.queue_bytes = work.queue, [], 0
        for sender, message in queued:
            self._append(sender, message, now)
        self._commit(now)

    def _queue_append(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        """A member that is still installing keeps what comes: dropping it would lose acknowledged writes."""
        assert isinstance(message, Append)
        self.work.queue.append((sender, message))
        self.work.queue_bytes += sum(map(len, message.bodies))
        if self.work.queue_bytes > QUEUE_BYTES_MAX:
            self._resign("This node fell too far behind and starts again.", now)

    def _hear_part(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        assert isinstance(message, Part)
        whole = self.work.parts.pop(sender, b"") + message.data
        if message.last:
            self._hear(sender, whole, now, in_pieces=True)
        elif len(whole) <= WHOLE_BYTES_MAX:
            self.work.parts[sender] = whole
        else:
            now.append(Alarm(f"Node {sender} sent a message without an end; it is ignored."))

    def _append(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        assert isinstance(message, Append)
        work, log = self.work, self.machine.log
        if message.epoch != work.epoch:
            return
        if not all(may_come_from(body, sender) for body in message.bodies):
            now.append(Alarm(f"Node {sender} sent entries in another node's name; they are ignored."))
            return
        fresh = []
        for body in message.bodies:
            work.position += 1
            if work.position > log.last.index:
                fresh.append(log.append(work.epoch, body))
        work.lag.appended(work.position, sum(map(len, message.bodies)))
        if fresh:
            work.unacked.append((self._persist(AppendRecord(tuple(fresh)), now), log.last))
        if sender == self.node_id:
            self.machine.proposals.one_returned()
            self._send_proposals(now)


ASKED = Proposed | Expired | ReadAsked | ReadGivenUp  # what is answered even when the disk has failed

Handler = Callable[[Replica, int, AnyMessage, list[Effect]], None]

# What is heard in which phase; anything else is ignored and leaves no trace.
DELIVERIES: dict[Phase, dict[type[AnyMessage], Handler]] = {
    Phase.COLLECTING: {State: Replica._hear_state, Proceed: Replica._hear_proceed},
    Phase.READ_ONLY: {State: Replica._hear_late_state},
    Phase.PROMISING: {Promise: Replica._hear_promise},
    Phase.FETCHING: {Append: Replica._queue_append, Ack: Replica._hear_ack, Part: Replica._hear_part},
    Phase.INSTALLING: {Append: Replica._queue_append, Ack: Replica._hear_ack, Part: Replica._hear_part},
    Phase.INSTALLED: {
        Append: Replica._append,
        Ack: Replica._hear_ack,
        Part: Replica._hear_part,
        Barrier: Replica._hear_barrier,
        StartAgain: Replica._hear_start_again,
    },
    Phase.ACTIVE: {
        Append: Replica._append,
        Ack: Replica._hear_ack,
        Part: Replica._hear_part,
        Barrier: Replica._hear_barrier,
        StartAgain: Replica._hear_start_again,
        Confirm: Replica._hear_confirm,
    },
}

EVENTS: dict[type, Callable[..., None]] = {
    ViewChanged: Replica._on_view,
    ViewLost: Replica._on_view_lost,
    Delivered: Replica._on_delivered,
    Persisted: Replica._on_persisted,
    PersistFailed: Replica._on_persist_failed,
    HistoryFetched: Replica._on_fetched,
    FetchFailed: Replica._on_fetch_failed,
    Proposed: Replica._on_proposed,
    Expired: Replica._on_expired,
    ReadAsked: Replica._on_read_asked,
    ReadGivenUp: Replica._on_read_given_up,
    Looked: Replica._on_looked,
    TimerFired: Replica._on_timer,
}
