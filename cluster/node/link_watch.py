"""Measures this node's links again and again and tells the others: live status, in memory, never on disk.

What comes of it is `NodeState.link_states` and `.totem` of every node (`cluster/model.py`): a page or a program takes
them from `ClusterState`, looks a peer up by `peer_id`, and hears of news as `node` changes. A link that went up or down
is told at once, figures on every beat (`beat.py`). While links are changed it looks more often, because each step of
the change waits for what every node tells. A link as seen from one end is told by that end; compare both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from cluster.corosync.conf import Document
from cluster.model import LinkState, TotemState
from cluster.node.beat import BEAT_S, until_beat_s
from cluster.node.board_messages import Linked, encode
from cluster.node.interfaces import local_addresses
from cluster.node.life import Life
from cluster.node.link_readings import LinkReadings
from cluster.workflow import link_trial

MEASURE_EVERY_S, ON_TRIAL_S = (0.5, 1.0, 2.0), 0.2
LINKS_PER_S = 32  # are measured: each is seven questions to corosync, which pings more rarely the more nodes there are
FEW = 16  # links
NOTABLE_US = 2000  # a latency that moves by as much is told at once while links are few


class LinkWatch:
    """`document` is the committed corosync.conf, None on a stand-alone node; `say` reaches the status group."""

    def __init__(self, name: str, life: Life, document: Callable[[], Document | None], say: Callable[[bytes], None]):
        self._name, self._life, self._document, self._say = name, life, document, say
        self._readings = LinkReadings()
        self._states: tuple[LinkState, ...] = ()
        self._totem: TotemState | None = None
        self._told: tuple[tuple[object, ...], ...] = ()

    async def watch(self) -> None:
        """For ever. Every node measures at moments of its own, or corosync's on one host would be asked all at once."""
        await asyncio.gather(self._look(), self._tell())

    async def _look(self) -> None:
        while True:
            self._states, self._totem = await self.measure()
            if self._states and self._seen() != self._told:
                self._say_links()
            await asyncio.sleep(self._pause_s())

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(until_beat_s(BEAT_S, time.time()))
            if self._states:
                self._say_links()

    def _say_links(self) -> None:
        self._told = self._seen()
        self._say(encode(Linked(self._states, self._totem, tuple(sorted(local_addresses())))))

    def _seen(self) -> tuple[tuple[object, ...], ...]:
        return tuple(_at_a_glance(state, few=len(self._states) <= FEW) for state in self._states)

    async def measure(self) -> tuple[tuple[LinkState, ...], TotemState | None]:
        """This node's links as they are now, or were when the engine last took questions; none where it is in no
        cluster."""
        wanted = self._wanted()
        if not wanted or not self._life.is_open or not self._life.connection.connected:
            return (), None
        measured = await self._life.connection.engine.measure(wanted)
        if measured is None:
            return self._states, self._totem
        return self._readings.next(time.monotonic(), measured.links), measured.totem

    def _pause_s(self) -> float:
        return ON_TRIAL_S if self._on_trial() else pause_s(len(self._wanted()))

    def _on_trial(self) -> bool:
        return self._life.is_open and self._life.tree.find(link_trial.PATH) is not None

    def _wanted(self) -> tuple[tuple[int, int], ...]:
        document = self._document() if self._life.is_open else None
        nodes = document.nodes() if document is not None else ()
        return tuple((node.node_id, link.number) for node in nodes if node.name != self._name for link in node.links)


def pause_s(links: int) -> float:
    """Between two measurements of so many links. A link that is cut is seen by corosync well within a token's time-out,
    which grows with the nodes, and has to be on pages a second after that."""
    return next((pause for pause in MEASURE_EVERY_S if links <= pause * LINKS_PER_S), MEASURE_EVERY_S[-1])


def _at_a_glance(state: LinkState, *, few: bool) -> tuple[object, ...]:
    """What is told at once when it changes."""
    slow = (state.latency_us or 0) // NOTABLE_US if few else 0
    return *state.standing, slow
