"""What is wrong with links: one condition for what has one cause, however many links it touches. Pure.

A link between two nodes that alone is down or slow has one name from both ends. Where a node has the same trouble
towards several others, the trouble is the node's, and `folded` drops what each of the others says of it: a cable or a
switch of thirty-two nodes would be hundreds of alerts. Figures are in steps, so that a condition is said again rarely.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from cluster.alerts.condition import Condition
from cluster.model import LinkState, NodeState

DOWN, SLOW = "link-down", "latency"
EASED = 0.5  # a latency is well again so far below its threshold, and not before
STEPS = (0.5, 1, 2, 5, 10, 20, 50, 100)  # of the threshold: what is told of a latency that is above


def link_conditions(
    me: str, links: Iterable[LinkState], peers: Mapping[int, NodeState], threshold_ms: float, before: Collection[str]
) -> Iterator[Condition]:
    """Of the links of the node `me` towards `peers` that are online, by node id; of one that is gone, that says it
    all. `before` are the keys of what was found last."""
    looked_at: dict[int, int] = defaultdict(int)
    wrong: dict[tuple[str, int], list[tuple[str, float]]] = defaultdict(list)  # kind, link → peers, ms
    for link in links:
        peer = peers.get(link.peer_id)
        if peer is None or not peer.online:
            continue
        looked_at[link.link] += 1
        known = f"{SLOW}/{ends(me, peer.name)}/{link.link}" in before or f"{SLOW}/{me}/{link.link}" in before
        if not link.connected:
            wrong[DOWN, link.link].append((peer.name, 0.0))
        elif (link.latency_us or 0) > 1000 * threshold_ms * (EASED if known else 1):
            wrong[SLOW, link.link].append((peer.name, (link.latency_us or 0) / 1000))
    for (kind, number), found in wrong.items():
        least_ms = _step_ms(min(latency_ms for _, latency_ms in found), threshold_ms)
        if len(found) == 1:
            name = found[0][0]
            key, sentence = f"{kind}/{ends(me, name)}/{number}", _of_two(kind, number, me, name, least_ms)
        else:
            key = f"{kind}/{me}/{number}"
            sentence = _of_node(kind, number, me, f"{len(found)} of {looked_at[number]} nodes", least_ms)
        yield Condition(key, kind, me, sentence)


def folded(found: Mapping[str, Condition], names: Collection[str]) -> dict[str, Condition]:
    """What all nodes found, without what is said already by a node that has the trouble towards several others."""
    kept = dict(found)
    for one in found.values():
        if one.kind in (DOWN, SLOW) and (number := _number_of_node(one)) is not None:
            for other in names:
                kept.pop(f"{one.kind}/{ends(one.node, other)}/{number}", None)
    return kept


def ends(one: str, other: str) -> str:
    """The name of what is between two nodes, the same from both."""
    return "-".join(sorted((one, other)))


def _number_of_node(one: Condition) -> str | None:
    """The link's number, of a condition that is a node's own."""
    before, _, number = one.key.rpartition("/")
    return number if before == f"{one.kind}/{one.node}" else None


def _step_ms(latency_ms: float, threshold_ms: float) -> float:
    return max((step * threshold_ms for step in STEPS if step * threshold_ms <= latency_ms), default=0.0)


def _of_two(kind: str, number: int, me: str, peer: str, least_ms: float) -> str:
    if kind == DOWN:
        return f"Link {number} between {me} and {peer} is down."
    return f"Link {number} from {me} to {peer} takes more than {least_ms:g} ms."


def _of_node(kind: str, number: int, me: str, peers: str, least_ms: float) -> str:
    if kind == DOWN:
        return f"Link {number} of {me} is down towards {peers}."
    return f"Link {number} of {me} takes more than {least_ms:g} ms to {peers}."
