"""Rings of a simulated cluster: what happens in one, in its one order, and what its nodes deliver when it ends.

Knows nothing of time. `simulated_network.py` decides when a ring begins, who may add to it and when it ends;
`simulated_node.py` delivers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cluster.engine.base import Delivered
from cluster.model import Member, RingId

if TYPE_CHECKING:
    from cluster.engine.simulated_node import SimulatedNode


@dataclass(frozen=True, slots=True)
class Joined:
    group: str
    member: Member


@dataclass(frozen=True, slots=True)
class Left:
    group: str
    member: Member


@dataclass(frozen=True, slots=True)
class RingStarted:
    """The first item of every ring: who is in which group as it begins."""

    groups: dict[str, tuple[Member, ...]]


Item = Delivered | Joined | Left | RingStarted


class Ring:
    """One agreed membership of nodes and the one order of what happens in it.

    `log[k - base]` is item k and the node id it came from. While `stalled_at_ms` is set the token is about to be, or
    is, lost: after that moment nobody adds to the order, and before it only those who hear the node that has it.
    """

    __slots__ = ("base", "id", "log", "members", "stalled_at_ms", "token_at")

    def __init__(self, ring_id: RingId, members: list[SimulatedNode], started: RingStarted) -> None:
        self.id = ring_id
        self.members = members
        self.log: list[tuple[int, Item]] = [(ring_id.representative, started)]
        self.base = 0
        self.stalled_at_ms: float | None = None
        self.token_at: SimulatedNode | None = None

    @property
    def length(self) -> int:
        return self.base + len(self.log)

    def forget_delivered(self) -> None:
        """Drop what every node still in this ring has delivered, so that a long ring does not grow without bound."""
        lowest = min((node.delivered for node in self.members if node.ring is self), default=self.length)
        del self.log[: lowest - self.base]
        self.base = lowest


def hear(one: SimulatedNode, other: SimulatedNode) -> bool:
    return one.up and other.up and one.side == other.side


def whole(ring: Ring) -> bool:
    """All its members are in it still and hear each other."""
    side = ring.members[0].side
    return all(node.ring is ring and node.up and node.side == side for node in ring.members)


def groups_of(members: list[SimulatedNode]) -> dict[str, tuple[Member, ...]]:
    groups: dict[str, list[Member]] = {}
    for node in members:
        for group in node.joined:
            groups.setdefault(group, []).append(node.member)
    return {group: tuple(sorted(listed)) for group, listed in sorted(groups.items())}


def recover(ring: Ring, together: list[SimulatedNode]) -> None:
    """Nodes that leave a ring together deliver the same of it: all that any of them has, up to the first hole, and
    behind it only what they sent themselves."""
    senders = {node.node_id for node in together}
    accepted: list[int] = []
    hole = False
    for k in range(min(node.delivered for node in together), ring.length):
        origin = ring.log[k - ring.base][0]
        if k == 0 or origin in senders:
            accepted.append(k)
        elif not any(node.holds(k) for node in together):
            hole = True
        elif not hole:
            accepted.append(k)
    for node in together:
        for k in [k for k in accepted if k >= node.delivered]:
            if node.ring is not ring:
                break
            node.delivered = k
            node.deliver(ring.log[k - ring.base][1])
