"""Who wants to join, in the order they came: one change of the nodelist at a time, because a second unfinished member
could cost the cluster its quorum.

A joiner asks again every second or so; one that has stopped asking gives its place up. Pure but for the clock; who
adds nodes is `add_node.py`, who waits `join.py`.
"""

from __future__ import annotations

from collections.abc import Collection

from cluster.errors import Busy, Queued
from cluster.workflow.clock import Clock

WAITING_MAX = 64
GIVES_UP_S = 10.0


class Queue:
    """The names that wait."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_s: dict[str, float] = {}  # by name, in the order they came

    def check(self, name: str, joining: Collection[str]) -> None:
        """Return when it is this one's turn. Raises Queued with its place, Busy when too many wait."""
        now_s = self._clock.monotonic_s()
        self._asked_s = {each: at_s for each, at_s in self._asked_s.items() if now_s - at_s < GIVES_UP_S}
        if name not in self._asked_s and len(self._asked_s) >= WAITING_MAX:
            raise Busy(f"{WAITING_MAX} nodes are waiting to join. Try again later.")
        self._asked_s[name] = now_s
        others = [each for each in joining if each != name]
        before = list(self._asked_s).index(name)
        if not others and not before:
            return
        place = before + len(others)
        who = f"{others[0]} is joining right now" if others else f"{next(iter(self._asked_s))} comes first"
        raise Queued(f"{who}; {place} {'node is' if place == 1 else 'nodes are'} before {name}.",
                     fields={"place": str(place)})  # fmt: skip

    def drop(self, name: str) -> None:
        self._asked_s.pop(name, None)
