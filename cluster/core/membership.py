"""Joins what the group says and what quorum says into one view, on the ring id both name.

The two arrive on separate ways, in either order, and one may be behind. A view is settled while both speak of the same
ring; until then nobody may rely on it. The member list is trusted as it stands, never computed from who came and went.
Pure; the daemon feeds it. Next: `quorum.py` says what the numbers in a `Quorum` mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cluster.model import Member, Quorum, RingId


@dataclass(frozen=True, slots=True)
class View:
    """Who is here. `members` are the nodes in the config group, `nodes` those in the ring, both sorted.

    `ring` is the newest one heard of. While not `settled`, members, nodes and quorum may speak of different rings.
    """

    ring: RingId | None = None
    members: tuple[int, ...] = ()
    nodes: tuple[int, ...] = ()
    quorum: Quorum | None = None
    settled: bool = False

    @property
    def quorate(self) -> bool:
        """Quorate for certain: settled, and so for this very ring."""
        return self.settled and self.quorum is not None and self.quorum.quorate


class Membership:
    """Feed it notices in the order they arrive; each answers with the view as it is now."""

    def __init__(self) -> None:
        self.view = View()
        self._group_ring: RingId | None = None
        self._quorum_ring: RingId | None = None

    def group_changed(self, ring: RingId, members: Iterable[Member]) -> View:
        """The config group has these members in this ring. A notice of a ring already left behind changes nothing."""
        if _stale(ring, self._group_ring):
            return self.view
        self._group_ring = ring
        node_ids = tuple(sorted({member.node_id for member in members}))
        return self._now(node_ids, self.view.nodes, self.view.quorum)

    def quorum_changed(self, ring: RingId, nodes: Iterable[int], quorum: Quorum) -> View:
        """The ring has these nodes, and this is its quorum."""
        if _stale(ring, self._quorum_ring):
            return self.view
        self._quorum_ring = ring
        return self._now(self.view.members, tuple(sorted(set(nodes))), quorum)

    def engine_lost(self) -> View:
        """Nothing is known any more; the next life of the engine may number its rings anew."""
        self._group_ring = self._quorum_ring = None
        self.view = View()
        return self.view

    def _now(self, members: tuple[int, ...], nodes: tuple[int, ...], quorum: Quorum | None) -> View:
        rings = [ring for ring in (self._group_ring, self._quorum_ring) if ring is not None]
        settled = self._group_ring == self._quorum_ring
        self.view = View(max(rings), members, nodes, quorum, settled)
        return self.view


def _stale(ring: RingId, known: RingId | None) -> bool:
    return known is not None and ring.sequence < known.sequence
