"""Changes, numbered and told to subscribers: the daemon's only way to pages and programs that watch.

Numbers count up by one within one life of the daemon (`source` names it), so that a subscriber notices a gap and asks
for a new snapshot. What is in a change is made by `state.py` and `tasks.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cluster.control.requests import as_plain
from cluster.model import Change, ClusterState, NodeState, Trends

Subscriber = Callable[[Change], None]


class Publisher:
    """Tells every subscriber every change, in order. Subscribers must not block and must not raise."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self.source = uuid.uuid4().hex
        self.number = 0
        self.state: ClusterState | None = None
        self._shown: ClusterState | None = None  # that state, without figures
        self._now_s = now_s
        self._subscribers: dict[int, Subscriber] = {}
        self._next_id = 0

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """From the next change on; returns what ends it."""
        self._next_id += 1
        handle = self._next_id
        self._subscribers[handle] = subscriber

        def end() -> None:
            self._subscribers.pop(handle, None)

        return end

    def publish(self, topic: str, value: Any, at_s: float | None = None) -> None:
        """`at_s` is when the event behind the change arrived; now, unless said."""
        self.number += 1
        change = Change(self.number, topic, as_plain(value), self._now_s() if at_s is None else at_s)
        for subscriber in list(self._subscribers.values()):
            subscriber(change)

    def show(self, state: ClusterState, at_s: float | None = None) -> None:
        """Publish what differs between this state and the last one shown."""
        before, self.state = self.state, state
        shown, self._shown = self._shown, _bare(state)
        if shown != self._shown:
            self.publish("cluster", self._shown, at_s)
        if before is None or before.store != state.store:
            self.publish("store", state.store, at_s)
        known = {node.name: node for node in before.nodes} if before is not None else {}
        for node in state.nodes:
            if known.get(node.name) != node:
                self.publish("node", node, at_s)


def _bare(state: ClusterState) -> ClusterState:
    """Without what changes every second."""
    return replace(state, store=None, nodes=tuple(without_figures(node) for node in state.nodes))


def without_figures(node: NodeState) -> NodeState:
    return replace(node, sample=None, link_states=(), totem=None, clock_apart_s=0, trends=Trends())
