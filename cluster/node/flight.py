"""The flight recorder of a daemon, put together: its own recorder, what the others recorded, and the one time line.

What is decided is decided in `cluster/flight/`; here is only who is asked and who is told.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from cluster.control import peer
from cluster.control.flight_requests import FlightEvents
from cluster.core.effects import Committed
from cluster.errors import InvalidInput, PeerError
from cluster.flight import partings, timeline
from cluster.flight.recorded import KINDS, Recorded
from cluster.model import ClusterState, NodeState, TaskState
from cluster.node import fellows
from cluster.node.recorder import KEPT, Recorder

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

CONNECT_S = 0.8
ANSWER_BYTES_MAX = 4 << 20
FORMS = ("", "csv", "json")


class Flight:
    def __init__(self, node: Daemon, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._node = node
        folder = node.options.state_dir / "flight"
        self.recorder = Recorder(node.options.name, folder, time.time, monotonic_s, self._told)
        self.others = fellows.Fellows(self._ask, time.time, monotonic_s)
        node.board.recorded = self._hear

    # --- what happens -----------------------------------------------------------------------------------------------

    def shown(self, state: ClusterState) -> None:
        self.recorder.shown(state)

    def committed(self, changes: tuple[Committed, ...]) -> None:
        state = self._node.publisher.state
        names = {node.node_id: node.name for node in state.nodes} if state is not None else {}
        self.recorder.committed(changes, {self._node.life.replica.node_id: self._node.options.name} | names)

    def task(self, state: TaskState) -> None:
        self.recorder.task(state)

    def begin(self) -> Callable[[], Awaitable[None]]:
        """→ what ends it."""
        self.recorder.begin()
        return self.recorder.close

    async def watch(self) -> None:
        """For ever."""
        await self.recorder.watch()

    def _told(self, event: Recorded) -> None:
        self._publish(self._node.options.name, event.number)

    def _hear(self, node_id: int, number: int) -> None:
        name = self._node.name_of(node_id)
        if number and name is not None and name != self._node.options.name and self.others.hear(name, number):
            self._publish(name, number)

    def _publish(self, name: str, number: int) -> None:
        self._node.publisher.publish("event", {"node": name, "number": number})

    # --- asking -----------------------------------------------------------------------------------------------------

    async def _ask(self, node_id: int, body: bytes) -> bytes:
        said = self._node.board.card(node_id).announcement
        if said is None:
            raise PeerError("This node has not heard yet where it is reached.")
        return await peer.fetch(
            said.address, said.port, said.fingerprint, self._node.life.replica.node_id, self._node.keys.corosync(),
            body, path=peer.EVENTS_PATH, deadline_s=fellows.ASK_S, size_max=ANSWER_BYTES_MAX, connect_s=CONNECT_S,
        )  # fmt: skip

    async def events(self, asked: FlightEvents) -> dict[str, Any]:
        """Raises InvalidInput."""
        _check(asked)
        state = self._node.publisher.state
        nodes = state.nodes if state is not None else ()
        await self.others.refresh(nodes)
        own = self._node.options.name
        views = {own: tuple(self.recorder.events)}
        views |= {node.name: tuple(self.others.of(node.name).events) for node in nodes if not node.local}
        placed = timeline.place(views)
        chosen = timeline.Chosen(
            frozenset(asked.kinds), frozenset(asked.nodes), asked.since_s, asked.until_s, min(asked.limit, KEPT)
        )
        events = timeline.rows(placed, chosen)
        whole = {
            "now_s": time.time(),
            "nodes": [self._standing(node) for node in nodes],
            "events": events,
            "partings": [_plain(one) for one in partings.partings(placed)[:20]],
        }
        if asked.form:
            return {"text": timeline.as_csv(events) if asked.form == "csv" else timeline.as_json(whole)}
        return whole

    def _standing(self, node: NodeState) -> dict[str, Any]:
        if node.local:
            return {"name": node.name, "online": True, "known": True, "since_s": None, "reason": ""}
        fellow = self.others.of(node.name)
        since_s = None if fellow.answers else fellow.heard_s or node.since_s
        online = bool(node.online)
        return {"name": node.name, "online": online, "known": fellow.answers, "since_s": since_s,
                "reason": fellow.reason}  # fmt: skip


def _check(asked: FlightEvents) -> None:
    unknown = sorted(set(asked.kinds) - KINDS.keys())
    if unknown:
        reason = f"there is no kind {unknown[0][:40]!r}; there are {', '.join(KINDS)}"
        raise InvalidInput("These events cannot be shown.", fields={"kind": reason})
    if asked.form not in FORMS:
        raise InvalidInput("These events cannot be shown.", fields={"form": "csv or json"})


def _plain(one: partings.Parting) -> dict[str, Any]:
    parts = [{"nodes": list(part.nodes), "quorate": part.quorate} for part in one.parts]
    return {"from_s": one.from_s, "to_s": one.to_s, "parts": parts}
