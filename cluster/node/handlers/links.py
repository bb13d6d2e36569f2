"""Requests about links: what every node measures on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from cluster.control.conversation import Handler
from cluster.control.link_requests import Links
from cluster.control.requests import Request
from cluster.corosync import conf
from cluster.errors import NotInCluster
from cluster.model import Link, LinkState, Node

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

FIGURES = [field for field in LinkState.__dataclass_fields__ if field not in ("peer_id", "link")]


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def links(request: Links) -> Any:
        document = node.document()
        if document is None:
            raise NotInCluster("This node is not in a cluster.")
        told = {one.node_id: node.board.card(one.node_id).link_states for one in document.nodes()}
        if (own := document.node(node.options.name)) is not None:
            told[own.node_id] = (await node.links.measure())[0]
        return link_rows(document, told)

    return {Links: links}


def link_rows(document: conf.Document, told: dict[int, tuple[LinkState, ...]]) -> list[dict[str, Any]]:
    """A row for every link of every node towards every peer; figures are None where the node has told none."""
    nodes = document.nodes()
    return [
        _row(one, peer, link, _state(told.get(one.node_id, ()), peer, link))
        for one in nodes
        for link in one.links
        for peer in nodes
        if peer is not one
    ]


def _row(node: Node, peer: Node, link: Link, state: LinkState | None) -> dict[str, Any]:
    far = next((other.address for other in peer.links if other.number == link.number), "")
    known = msgspec.to_builtins(state) if state is not None else {}
    return {
        "node": node.name, "peer": peer.name, "link": link.number, "address": link.address, "peer_address": far,
        **{name: known.get(name) for name in FIGURES},
    }  # fmt: skip


def _state(states: tuple[LinkState, ...], peer: Node, link: Link) -> LinkState | None:
    return next((one for one in states if (one.peer_id, one.link) == (peer.node_id, link.number)), None)
