"""One daemon in the simulated world: steps a real replica, and performs its effects on a pretended clock, network and
disk. What the driver is in a real node (`cluster/node/driver.py`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from cluster.core.effects import (
    Alarm,
    Effect,
    Expose,
    Fetch,
    Keep,
    Multicast,
    Persist,
    ReadReady,
    ReadRefused,
    Reply,
    Resign,
    SetTimer,
)
from cluster.core.events import Delivered, Event, Persisted, PersistFailed, TimerFired, ViewChanged
from cluster.core.replica import Replica
from cluster.model import Member, RingId
from tests.simulation.properties import always

if TYPE_CHECKING:
    from tests.simulation.world import World


def nodelist(text: bytes) -> dict[int, int]:
    """What stands for a corosync.conf here: `1:1 2:1 3:1`, node ids and votes."""
    return {int(node_id): int(votes) for node_id, votes in (word.split(b":") for word in text.split())}


def configuration(votes: dict[int, int]) -> bytes:
    return " ".join(f"{node_id}:{count}" for node_id, count in sorted(votes.items())).encode()


class Process:
    """One daemon. Stopped for a while (`paused`) it hears nothing, and then everything at once."""

    def __init__(self, world: World, node_id: int, pid: int) -> None:
        self.world, self.member = world, Member(node_id, pid)
        self.disk = world.disks[node_id]
        self.disk.cut()
        self.replica = Replica(self.disk.load(), nodelist, contact=str(node_id))
        self.alive, self.paused = True, False
        self.version = world.dice.choice((1, 2)) if world.versions_mix else 1
        self._inbox: deque[Event] = deque()
        self._flushing = False
        self._timers: dict[str, int] = {}
        self.disk.start(None, lambda ticket: self.feed(Persisted(ticket)), self._persist_failed)

    # --- events in --------------------------------------------------------------------------------------------------

    def hear_view(self, ring: RingId, members: tuple[Member, ...]) -> None:
        self.feed(ViewChanged(ring, members))

    def hear(self, sender: Member, payload: bytes) -> None:
        self.feed(Delivered(sender.node_id, payload))

    def _persist_failed(self, reason: str, errno: int) -> None:
        self.feed(PersistFailed(reason, errno))

    def feed(self, event: Event) -> None:
        if not self.alive:
            return
        if self.paused or self._inbox:
            self._inbox.append(event)
            return
        self._step(event)

    def resume(self) -> None:
        self.paused = False
        while self._inbox and self.alive and not self.paused:
            self._step(self._inbox.popleft())

    def _step(self, event: Event) -> None:
        world, replica = self.world, self.replica
        phase = replica.phase
        effects = replica.step(event)
        if phase is not replica.phase:
            world.judge.saw_phase(self, phase)
        for effect in effects:
            if type(effect) is Keep:
                world.judge.saw_commits(self, effect.committed)
        for effect in effects:
            PERFORM[type(effect)](self, effect)

    # --- effects out ------------------------------------------------------------------------------------------------

    def _multicast(self, effect: Multicast) -> None:
        self.world.judge.saw_multicast(self, effect.payload)
        later = self.version > 1
        payload = always.a16_a_later_version_is_understood(effect.payload) if later else effect.payload
        self.world.network.multicast(self.member, payload)

    def _persist(self, effect: Persist) -> None:
        self.world.judge.saw_persist(self, effect.record)
        self.disk.persist(effect.ticket, effect.record)
        self._flush_soon()

    def _keep(self, effect: Keep) -> None:
        self.disk.keep(effect.committed)
        if self.disk.waiting:
            self._flush_soon()

    def _reply(self, effect: Reply) -> None:
        self.world.requests.answered(self, effect.request_id, effect.outcome)

    def _read_ready(self, effect: ReadReady) -> None:
        for read_id in effect.read_ids:
            self.world.clients.may_read(self, read_id)

    def _read_refused(self, effect: ReadRefused) -> None:
        for read_id in effect.read_ids:
            self.world.clients.may_not_read(read_id)

    def _expose(self, effect: Expose) -> None:
        if effect.whole:
            self.world.judge.saw_snapshot(self)

    def _fetch(self, effect: Fetch) -> None:
        self.world.clock.after(self.world.dice.random() * 0.1, self.world.serve, self, effect)

    def _set_timer(self, effect: SetTimer) -> None:
        number = self._timers[effect.name] = self._timers.get(effect.name, 0) + 1
        self.world.clock.after(effect.delay_ms / 1000, self._fire, effect.name, number)

    def _resign(self, effect: Resign) -> None:
        self.world.judge.saw("resigned")
        self.world.resigned(self)

    def _alarm(self, effect: Alarm) -> None:
        self.world.judge.saw_alarm(effect.message)

    def _fire(self, name: str, number: int) -> None:
        if self._timers.get(name) == number:
            self.feed(TimerFired(name))

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self.world.clock.after(self.world.flush_s(self.member.node_id), self._flushed, self.disk.waiting)

    def _flushed(self, count: int) -> None:
        self._flushing = False
        if self.alive:
            self.disk.complete(count)
            if self.disk.waiting:
                self._flush_soon()


PERFORM: dict[type[Effect], Callable[..., None]] = {
    Multicast: Process._multicast,
    Persist: Process._persist,
    Keep: Process._keep,
    Reply: Process._reply,
    ReadReady: Process._read_ready,
    ReadRefused: Process._read_refused,
    Expose: Process._expose,
    Fetch: Process._fetch,
    SetTimer: Process._set_timer,
    Resign: Process._resign,
    Alarm: Process._alarm,
}
