"""Measures this node's links every second and tells the others: live status, in memory, never on disk.

What comes of it is `NodeState.link_states` and `.totem` of every node (`cluster/model.py`): a page or a program takes
them from `ClusterState`, looks a peer up by `peer_id`, and hears of news as `node` changes. A link that went up or down
is told at once, figures every other second. While links are changed it looks more often, because each step of the
change waits for what every node tells. A link as seen from one end is told by that end; compare both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from cluster.corosync.conf import Document
from cluster.engine.base import Measured
from cluster.model import LinkState, TotemState
from cluster.node.board_messages import Linked, encode
from cluster.node.interfaces import local_addresses
from cluster.node.life import Life
from cluster.node.link_readings import LinkReadings
from cluster.workflow import link_trial

MEASURE_EVERY_S, ON_TRIAL_S = 0.5, 0.2
MANY, MANY_EVERY_S = 32, 1.0  # links; each is nine questions to corosync
NOTABLE_US = 2000  # a latency that moves by as much is told at once
TELL_EVERY_S = 2.0


class LinkWatch:
    """`document` is the committed corosync.conf, None on a stand-alone node; `say` reaches the status group."""

    def __init__(self, name: str, life: Life, document: Callable[[], Document | None], say: Callable[[bytes], None]):
        self._name, self._life, self._document, self._say = name, life, document, say
        self._readings = LinkReadings()
        self._told: tuple[tuple[object, ...], ...] = ()

    async def watch(self) -> None:
        """For ever."""
        told_s = 0.0
        while True:
            states, totem = await self.measure()
            seen = tuple(_at_a_glance(state) for state in states)
            if states and (seen != self._told or time.monotonic() >= told_s + TELL_EVERY_S):
                self._told, told_s = seen, time.monotonic()
                self._say(encode(Linked(states, totem, tuple(sorted(local_addresses())))))
            await asyncio.sleep(self._pause_s(len(states)))

    async def measure(self) -> tuple[tuple[LinkState, ...], TotemState | None]:
        """This node's links as they are now; none where it is in no cluster."""
        wanted = self._wanted()
        if not wanted or not self._life.is_open or not self._life.connection.connected:
            return (), None
        measured: Measured = await self._life.connection.engine.measure(wanted)
        return self._readings.next(time.monotonic(), measured.links), measured.totem

    def _pause_s(self, links: int) -> float:
        """A link that is cut is seen by corosync within a token's time-out, and has to be on pages a second later."""
        if self._on_trial():
            return ON_TRIAL_S
        return MEASURE_EVERY_S if links < MANY else MANY_EVERY_S

    def _on_trial(self) -> bool:
        return self._life.is_open and self._life.tree.find(link_trial.PATH) is not None

    def _wanted(self) -> tuple[tuple[int, int], ...]:
        document = self._document() if self._life.is_open else None
        nodes = document.nodes() if document is not None else ()
        return tuple((node.node_id, link.number) for node in nodes if node.name != self._name for link in node.links)


def _at_a_glance(state: LinkState) -> tuple[object, ...]:
    """What is told at once when it changes."""
    slow = (state.latency_us or 0) // NOTABLE_US
    return state.peer_id, state.link, state.connected, state.flaps, state.peer_address, slow
