"""The latencies of a large cluster as one map per link: a square per pair of nodes, by how far it is from wanted. Pure.

The row's node measures towards the column's; the mirrored square is the other direction. In a small cluster the tables
of `link_cells.py` are the map, and say every figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext

from cluster.model import ClusterState, NodeState
from datacenter.membership.link_cells import HEATS, heat, milliseconds, shows_each_peer
from datacenter.membership.words import link_numbers

SIDE, GAP = 10, 1
NOTABLE_MAX = 12


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair that is slow or down, in words."""

    node: str
    peer: str
    heat: str
    word: str


@dataclass(frozen=True, slots=True)
class HeatMap:
    """`squares` are the paths of each heat, `marks` what is drawn upon those that are not well, each heat its own."""

    link: int
    names: tuple[str, ...]
    size: int
    squares: tuple[tuple[str, str], ...]
    marks: tuple[tuple[str, str], ...]
    notable: tuple[Pair, ...]
    notable_count: int

    @property
    def sentence(self) -> str:
        if not self.notable_count:
            said = gettext("Link {number}: every pair of {nodes} nodes that is measured is below 5 ms.")
        else:
            said = gettext("Link {number}: {pairs} of the pairs are at 5 ms or more, or down.")
        return said.format(number=self.link, nodes=len(self.names), pairs=self.notable_count)


def maps(cluster: ClusterState) -> list[HeatMap]:
    """None for a small cluster."""
    if shows_each_peer(cluster):
        return []
    nodes = sorted(cluster.nodes, key=lambda node: node.node_id)
    return [_map(nodes, number) for number in link_numbers(cluster)]


def looks_different(before: NodeState | None, now: NodeState) -> bool:
    """Would a square of this node's row be another?"""
    return before is None or (before is not now and _heats(before) != _heats(now))


def _heats(node: NodeState) -> tuple[object, ...]:
    return node.online, tuple((state.peer_id, state.link, heat(state)) for state in node.link_states)


def _map(nodes: list[NodeState], number: int) -> HeatMap:
    squares: dict[str, list[str]] = {each: [] for each in HEATS}
    marks: dict[str, list[str]] = {each: [] for each in ("warm", "hot", "down")}
    notable: list[Pair] = []
    for line, node in enumerate(nodes):
        for place, peer, found, word in _row(nodes, node, number):
            x, y = place * SIDE, line * SIDE
            squares[found].append(f"M{x} {y}h9v9h-9z")
            if found in marks:
                marks[found].append(_mark(found, x, y))
                notable.append(Pair(node.name, peer.name, found, word))
    notable.sort(key=lambda pair: -HEATS.index(pair.heat))
    return HeatMap(
        number, tuple(node.name for node in nodes), len(nodes) * SIDE - GAP,
        tuple((each, "".join(paths)) for each, paths in squares.items() if paths),
        tuple((each, "".join(paths)) for each, paths in marks.items() if paths),
        tuple(notable[:NOTABLE_MAX]), len(notable),
    )  # fmt: skip


def _row(nodes: list[NodeState], node: NodeState, number: int) -> Iterator[tuple[int, NodeState, str, str]]:
    states = {state.peer_id: state for state in node.link_states if state.link == number}
    for place, peer in enumerate(nodes):
        if peer is not node:
            state = states.get(peer.node_id) if node.online else None
            found = heat(state)
            word = gettext("down") if found == "down" else milliseconds(state.latency_us if state is not None else None)
            yield place, peer, found, word


def _mark(found: str, x: int, y: int) -> str:
    """A stroke for warm, a cross for hot, a saltire for down: never by colour alone."""
    if found == "warm":
        return f"M{x + 2} {y + 7}l5-5"
    if found == "hot":
        return f"M{x + 2} {y + 4.5}h5m-2.5-2.5v5"
    return f"M{x + 2} {y + 2}l5 5m0-5l-5 5"
