"""A node's links as the cells of the page's tables: one table per link, a row per node, a column per peer. Pure.

Each cell is what the row's node measures towards the column's node; the other direction is the mirrored cell. In a
large cluster a row has one cell that sums its peers up. What the figures mean is said in `cluster/model.py`
(`LinkState`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from cluster.model import ClusterState, LinkState, NodeState

PEERS_SHOWN_MAX = 9  # columns that a screen has room for
NAMED_MAX = 3
HEATS = ("unknown", "cool", "warm", "hot", "down")
LOSS_WARNING = 0.05  # a single ping of the half minute says nothing yet
LATENCY_WARM_US, LATENCY_HOT_US = 5_000, 10_000  # corosync wants below 5 ms, and bears 10 with few nodes


@dataclass(frozen=True, slots=True)
class LinkCell:
    """`level` is good, warning, bad, unknown or plain (a node towards itself); `word` is short, `sentence` says all."""

    link: int
    node: str
    peer: str
    level: str
    word: str
    sentence: str = ""

    heat: str = "unknown"

    @property
    def mark(self) -> str:
        """Its id on the page."""
        return f"link-{self.link}-{self.node}-{self.peer}".replace(" ", "-")


def row(cluster: ClusterState, node: NodeState, number: int) -> list[LinkCell]:
    """The cells of one link in a node's row, in the order of `columns`."""
    if not shows_each_peer(cluster):
        return [_summed_up(cluster, node, number)]
    states = {state.peer_id: state for state in node.link_states if state.link == number}
    uses = {link.number for link in node.links}
    return [
        _cell(node, peer, number, states.get(peer.node_id), number in uses)
        for peer in sorted(cluster.nodes, key=lambda each: each.node_id)
    ]


def shows_each_peer(cluster: ClusterState) -> bool:
    return len(cluster.nodes) <= PEERS_SHOWN_MAX


def columns(cluster: ClusterState) -> list[str]:
    if not shows_each_peer(cluster):
        return [gettext("all its peers")]
    return [node.name for node in sorted(cluster.nodes, key=lambda each: each.node_id)]


def changed(before: ClusterState, now: ClusterState, name: str, numbers: list[int]) -> Iterator[LinkCell]:
    """The cells of a node that look different from before."""
    old, new = before.node(name), now.node(name)
    if old is None or new is None or (old.link_states, old.online) == (new.link_states, new.online):
        return
    for number in numbers:
        known = {cell.peer: cell for cell in row(before, old, number)}
        yield from (cell for cell in row(now, new, number) if known.get(cell.peer) != cell)


def _cell(node: NodeState, peer: NodeState, number: int, state: LinkState | None, used: bool) -> LinkCell:
    if peer.name == node.name:
        return LinkCell(number, node.name, peer.name, "plain", "–", heat="plain")
    if not used or state is None or node.online is False:
        why = (
            gettext("it has no such link")
            if not used
            else gettext("it is offline")
            if node.online is False
            else gettext("not measured yet")
        )
        return LinkCell(
            number,
            node.name,
            peer.name,
            "unknown",
            "–",
            gettext("{name} tells nothing: {why}.").format(name=node.name, why=why),
        )
    return LinkCell(
        number, node.name, peer.name, _level(state), _word(state), _sentence(node, peer, state), heat(state)
    )


def _summed_up(cluster: ClusterState, node: NodeState, number: int) -> LinkCell:
    states = [state for state in node.link_states if state.link == number]
    if not states or node.online is False:
        return LinkCell(
            number,
            node.name,
            gettext("all its peers"),
            "unknown",
            "–",
            gettext("{name} tells nothing.").format(name=node.name),
        )
    names = {each.node_id: each.name for each in cluster.nodes}
    down = [
        names.get(state.peer_id, gettext("node {peer_id}").format(peer_id=state.peer_id))
        for state in states
        if not state.connected
    ]
    slowest = max((state.latency_us for state in states if state.latency_us is not None), default=None)
    said = gettext("{up} of {all} up, slowest {slowest}").format(
        up=len(states) - len(down), all=len(states), slowest=milliseconds(slowest)
    )
    if down:
        more = gettext(" and {number} more").format(number=len(down) - NAMED_MAX) if len(down) > NAMED_MAX else ""
        said = gettext("{said}; down: {names}{more}").format(said=said, names=", ".join(down[:NAMED_MAX]), more=more)
    levels = {_level(state) for state in states}
    level = next(each for each in ("bad", "warning", "good") if each in levels)
    hottest = max((heat(state) for state in states), key=HEATS.index)
    return LinkCell(number, node.name, gettext("all its peers"), level, said, heat=hottest)


def heat(state: LinkState | None) -> str:
    """How far a latency is from what corosync wants."""
    if state is None or (state.connected and state.latency_us is None):
        return "unknown"
    if not state.connected:
        return "down"
    latency_us = state.latency_us or 0
    return "cool" if latency_us < LATENCY_WARM_US else "warm" if latency_us <= LATENCY_HOT_US else "hot"


def _level(state: LinkState) -> str:
    if not state.connected:
        return "bad"
    return "warning" if heat(state) in ("warm", "hot") or (state.loss or 0) > LOSS_WARNING else "good"


def _word(state: LinkState) -> str:
    if not state.connected:
        return gettext("down")
    lost = (
        gettext(", {loss} % lost").format(loss=f"{state.loss * 100:.0f}")
        if state.loss and state.loss > LOSS_WARNING
        else ""
    )
    return milliseconds(state.latency_us) + lost


def _sentence(node: NodeState, peer: NodeState, state: LinkState) -> str:
    times = gettext("average {average}, longest {longest}").format(
        average=milliseconds(state.latency_ave_us), longest=milliseconds(state.latency_max_us)
    )
    loss = gettext("unknown") if state.loss is None else f"{state.loss * 100:.1f} %"
    heard = (
        gettext("{node} hears {peer} on link {link}:")
        if state.connected
        else gettext("{node} does not hear {peer} on link {link}:")
    ).format(node=node.name, peer=peer.name, link=state.link)
    tried = gettext("{times}, loss {loss}, {retries} sends tried again").format(
        times=times, loss=loss, retries=state.retries
    )
    down = ngettext("down {number} time", "down {number} times", state.flaps).format(number=state.flaps)
    return f"{heard} {tried}, {down}, MTU {state.mtu or gettext('unknown')}."


def milliseconds(latency_us: int | None) -> str:
    if latency_us is None:
        return "–"
    return f"{latency_us / 1000:.2f} ms" if latency_us < 10_000 else f"{latency_us / 1000:.1f} ms"
