"""This node's flight recorder: watches its own cluster state, links, commits and tasks, and keeps what happened.

What is worth keeping is decided in `cluster/flight/observe.py`. Events are numbered, kept in memory up to `KEPT`, and
written down in batches; losing the last batch is accepted. Other nodes ask for them (`fellows.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from cluster.core.effects import Committed
from cluster.flight import observe
from cluster.flight.recorded import Recorded
from cluster.model import ClusterState, TaskState
from cluster.node.flight_file import FlightFile

KEPT = 4000
GIVEN_AT_ONCE_MAX = 2000
WRITE_EVERY_S = 10.0
FOLD_S = 0.5
NUMBERS_LOST_MAX = 10_000  # others may have heard so many that were not written down; none is given twice


class Recorder:
    """`told(event)` is called after each event."""

    def __init__(
        self,
        node: str,
        folder: Path,
        now_s: Callable[[], float],
        mono_s: Callable[[], float],
        told: Callable[[Recorded], None],
    ) -> None:
        self._node, self._now_s, self._mono_s, self._told = node, now_s, mono_s, told
        self._file = FlightFile(folder)
        self._life = uuid.uuid4().hex[:12]
        self._state: ClusterState | None = None
        self._links: observe.Links = {}  # that have been up
        self._locks: set[str] = set()
        self._open: set[str] = set()  # tasks whose beginning is recorded
        self._folding: Recorded | None = None
        self._fold_timer: asyncio.TimerHandle | None = None
        self._newest = 0
        self._unwritten: list[Recorded] = []
        self.events: deque[Recorded] = deque(maxlen=KEPT)

    @property
    def newest(self) -> int:
        """The number of the newest event."""
        return self._newest

    def since(self, number: int) -> tuple[Recorded, ...]:
        """The newest events after `number`, oldest first."""
        return tuple(event for event in self.events if event.number > number)[-GIVEN_AT_ONCE_MAX:]

    # --- beginning and end ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        self.events.extend(self._file.read())
        last = self.events[-1] if self.events else None
        self._newest = last.number if last is not None else 0
        if last is None or last.code == "stopped":
            self.record(Recorded("node", "started", self._node, "This node's service began."))
        else:
            self._newest += NUMBERS_LOST_MAX
            sentence = "This node's service began; the one before ended without a word."
            self.record(Recorded("node", "started-unclean", self._node, sentence))
        self._file.append(self._take())  # at once, for the next life to know of this one

    async def watch(self) -> None:
        """For ever: write down what has gathered."""
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            if self._unwritten:
                await asyncio.to_thread(self._file.append, self._take())

    async def close(self) -> None:
        self._fold_now()
        self.record(Recorded("node", "stopped", self._node, "This node's service was stopped."))
        self._file.append(self._take())

    def _take(self) -> list[Recorded]:
        taken, self._unwritten = self._unwritten, []
        return taken

    # --- what happens -----------------------------------------------------------------------------------------------

    def shown(self, state: ClusterState) -> None:
        """Links first: what they explain comes after them."""
        links = observe.links_of(state)
        for event in (*observe.links(self._links, links), *observe.differences(self._state, state)):
            self.record(event)
        self._state = state
        if links:
            self._links = observe.ever_up(self._links, links)

    def committed(self, changes: tuple[Committed, ...], names: Mapping[int, str]) -> None:
        for event in observe.committed(changes, names, self._locks):
            if event.kind == "config":
                self._fold(event)
            else:
                self.record(event)

    def task(self, state: TaskState) -> None:
        begins = state.end_time_s is None
        if begins and state.upid in self._open:
            return
        (self._open.add if begins else self._open.discard)(state.upid)
        self.record(observe.task(state))

    def record(self, event: Recorded) -> None:
        self._newest += 1
        stamped = msgspec.structs.replace(
            event, number=self._newest, life=self._life, time_s=round(self._now_s(), 3),
            mono_s=round(self._mono_s(), 3),
        )  # fmt: skip
        self.events.append(stamped)
        self._unwritten.append(stamped)
        self._told(stamped)

    # --- many changes of one hand, in one event ---------------------------------------------------------------------

    def _fold(self, event: Recorded) -> None:
        both = observe.folded(self._folding, event) if self._folding is not None else None
        if both is None:
            self._fold_now()
            with contextlib.suppress(RuntimeError):  # no loop yet: recorded with the next
                self._fold_timer = asyncio.get_running_loop().call_later(FOLD_S, self._fold_now)
        self._folding = both or event

    def _fold_now(self) -> None:
        if self._fold_timer is not None:
            self._fold_timer.cancel()
        waiting, self._folding, self._fold_timer = self._folding, None, None
        if waiting is not None:
            self.record(waiting)
