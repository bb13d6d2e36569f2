"""The one place where a replica's effects are performed: engine, disk, other nodes' histories, waiting askers, timers.

Keeps the order that `cluster/core/effects.py` states. One driver lives as long as one life of the store: when the
store becomes another cluster's, the daemon makes a new one. It decides nothing; asked from outside is `propose`.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from errno import EIO
from typing import Protocol

from cluster.core.effects import (
    Alarm,
    Committed,
    Done,
    Effect,
    Expose,
    Fetch,
    Keep,
    Multicast,
    NotDone,
    Outcome,
    Persist,
    ReadReady,
    ReadRefused,
    Refused,
    Reply,
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
    TimerFired,
    ViewChanged,
    ViewLost,
)
from cluster.core.operations import Command, encode_body
from cluster.core.replica import Phase, Replica
from cluster.core.tree import AnyOperation
from cluster.engine import base as engine_base
from cluster.errors import Busy, NoQuorum, OutcomeUnknown, QuireError, StoreRefusal, Unavailable
from cluster.model import Revision
from cluster.node.reading import BARRIER_TIMEOUT_S, Readers
from cluster.store.base import Disk

GROUP = "config"
REJOIN_AFTER_S = 1.0
FETCH_TIMEOUT_S = 120.0
LOOK_EVERY_S = 1.0

log = logging.getLogger(__name__)


class Histories(Protocol):
    """The door to other nodes' histories; `cluster/node/catchup.py` is the real one."""

    async def fetch(self, wanted: Fetch) -> HistoryFetched:
        """Raises QuireError when the source does not give it."""


class Driver:
    """Drives one replica. `on_committed(changes, whole)` and `on_phase()` are called as soon as they are true."""

    def __init__(
        self,
        replica: Replica,
        disk: Disk,
        engine: engine_base.Engine,
        histories: Histories,
        on_committed: Callable[[tuple[Committed, ...], bool], None],
        on_phase: Callable[[], None],
    ) -> None:
        self.replica = replica
        self.engine = engine
        self.readers = Readers(replica, self.feed)
        self._disk, self._histories = disk, histories
        self._on_committed, self._on_phase = on_committed, on_phase
        self._loop = asyncio.get_running_loop()
        self._events: deque[Event] = deque()
        self._stepping = False
        self._waiting: dict[str, asyncio.Future[Outcome]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._closed = False
        self._looking = self._loop.call_later(LOOK_EVERY_S, self._look)
        disk.start(self._loop, lambda ticket: self.feed(Persisted(ticket)), self.fail)

    async def close(self) -> None:
        """Stop performing effects. Whoever still waits is told that the outcome is unknown. The disk stays open."""
        self._closed = True
        self._looking.cancel()
        for timer in self._timers.values():
            timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.readers.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.cancel()

    def fail(self, reason: str, errno: int = EIO) -> None:
        """This node's store cannot be relied on from now on."""
        self.feed(PersistFailed(reason, errno))

    # --- events in --------------------------------------------------------------------------------------------------

    def hear(self, event: engine_base.EngineEvent) -> None:
        """An event of the engine; what is not about the store's group is not for here."""
        if isinstance(event, engine_base.EngineLost):
            self.feed(ViewLost(event.reason))
        elif isinstance(event, engine_base.GroupChanged) and event.group == GROUP:
            if any(member.node_id == self.replica.node_id for member in event.members):
                self.feed(ViewChanged(event.ring, event.members))
        elif isinstance(event, engine_base.Delivered) and event.group == GROUP:
            self.feed(Delivered(event.sender.node_id, event.payload))

    def feed(self, event: Event) -> None:
        """Step the replica and perform what it asks, one event after the other even when one causes the next."""
        if self._closed:
            return
        self._events.append(event)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._events:
                before = self._standing()
                for effect in self.replica.step(self._events.popleft()):
                    self._perform(effect)
                if before != self._standing():
                    self._on_phase()
        finally:
            self._stepping = False

    def _look(self) -> None:
        self._looking = self._loop.call_later(LOOK_EVERY_S, self._look)
        self.feed(Looked(int(self._loop.time() * 1000)))

    def _standing(self) -> tuple[Phase, str, tuple[int, ...]]:
        return self.replica.phase, self.replica.reason, tuple(one.node_id for one in self.replica.behind)

    # --- effects out ------------------------------------------------------------------------------------------------

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, Multicast):
            self._multicast(effect.payload)
        elif isinstance(effect, Persist):
            self._disk.persist(effect.ticket, effect.record)
        elif isinstance(effect, Keep):
            self._disk.keep(effect.committed)
            self.readers.committed()
        elif isinstance(effect, Reply):
            self._reply(effect)
        elif isinstance(effect, ReadReady | ReadRefused):
            self.readers.hear(effect)
        elif isinstance(effect, Expose):
            self._on_committed(effect.committed, effect.whole)
            self.readers.committed()
        elif isinstance(effect, Fetch):
            self._start(self._fetch(effect))
        elif isinstance(effect, SetTimer):
            self._set_timer(effect)
        elif isinstance(effect, Resign):
            log.warning("The store leaves the group: %s", effect.reason)
            self._start(self._rejoin())
        elif isinstance(effect, Alarm):
            log.warning("%s", effect.message)

    def _multicast(self, payload: bytes) -> None:
        try:
            self.engine.multicast(GROUP, payload)
        except QuireError as error:
            log.warning("The engine takes no message: %s", error.message)
            self._start(self._rejoin())

    def _reply(self, effect: Reply) -> None:
        waiting = self._waiting.pop(effect.request_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(effect.outcome)

    def _set_timer(self, effect: SetTimer) -> None:
        old = self._timers.pop(effect.name, None)
        if old is not None:
            old.cancel()
        self._timers[effect.name] = self._loop.call_later(effect.delay_ms / 1000, self._fire, effect.name)

    def _fire(self, name: str) -> None:
        self._timers.pop(name, None)
        self.feed(TimerFired(name))

    async def _fetch(self, wanted: Fetch) -> None:
        try:
            fetched = await asyncio.wait_for(self._histories.fetch(wanted), FETCH_TIMEOUT_S)
        except QuireError as error:
            self.feed(FetchFailed(wanted.epoch, error.message))
        except TimeoutError:
            self.feed(FetchFailed(wanted.epoch, f"no answer within {FETCH_TIMEOUT_S:.0f} s"))
        else:
            self.feed(fetched)

    async def _rejoin(self) -> None:
        """Leave the group and, unless the disk failed, come back: a new view brings this node up to date."""
        await self.engine.leave(GROUP)
        if self.replica.phase is Phase.FAILED:
            return
        await asyncio.sleep(REJOIN_AFTER_S)
        try:
            await self.engine.join(GROUP)
        except QuireError as error:
            log.warning("Could not join the group again: %s", error.message)

    def _start(self, work: object) -> None:
        task: asyncio.Task[None] = self._loop.create_task(work)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- proposals --------------------------------------------------------------------------------------------------

    async def propose(
        self,
        operations: Sequence[AnyOperation],
        *,
        user: str,
        door: str,
        request_id: str | None = None,
        timeout_s: float = 10.0,
    ) -> Revision:
        """Make a change to the tree; returns when a majority has it on disk.

        Raises StoreRefusal, NoQuorum, Busy or Unavailable when it has certainly not happened, OutcomeUnknown when
        nobody can say within `timeout_s`: asking again with the same request id is then safe.
        """
        if self._closed:
            raise Unavailable("The store is being opened anew; try again.")
        request_id = request_id or uuid.uuid4().hex
        command = Command(request_id, self.replica.node_id, int(time.time() * 1000), user, door, tuple(operations))
        waiting = self._waiting.get(request_id)
        if waiting is None:
            waiting = self._waiting[request_id] = self._loop.create_future()
        self.feed(Proposed(request_id, encode_body(command)))
        try:
            # wait_for() would swallow a cancellation that comes together with the outcome.
            async with asyncio.timeout(timeout_s):
                outcome = await asyncio.shield(waiting)
        except TimeoutError:
            self.feed(Expired(request_id))
            outcome = waiting.result() if waiting.done() else NotDone("unavailable", "The store gave no answer.")
        except asyncio.CancelledError:
            if waiting.cancelled():
                raise OutcomeUnknown("The store changed hands while the change was under way.", request_id) from None
            raise
        return _revision_of(outcome, request_id)

    # --- reads --------------------------------------------------------------------------------------------------------

    async def barrier(self, timeout_s: float = BARRIER_TIMEOUT_S) -> None:
        """Returns once this node's tree holds everything that was acknowledged, by any node, before the call.

        What reads after it decides on the newest state. Raises NoQuorum, Busy or Unavailable when that cannot be
        told; asking again is always safe, nothing is changed."""
        await self.readers.barrier(timeout_s)


def _revision_of(outcome: Outcome, request_id: str) -> Revision:
    if isinstance(outcome, Done):
        return outcome.revision
    if isinstance(outcome, Refused):
        at = outcome.revision
        raise StoreRefusal(outcome.errno, outcome.message, (at.epoch, at.index) if at is not None else None)
    if isinstance(outcome, NotDone) and outcome.errno:
        raise StoreRefusal(outcome.errno, outcome.message)
    if isinstance(outcome, NotDone):
        raise {"no-quorum": NoQuorum, "busy": Busy}.get(outcome.code, Unavailable)(outcome.message)
    raise OutcomeUnknown(outcome.message, request_id)
