"""Requests about links: what every node measures on them, and changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from cluster.control.conversation import Handler
from cluster.control.link_requests import (
    ChangeLinks,
    ConfirmLinks,
    LinkHistory,
    Links,
    LinkTrial,
    PlanLinks,
    RevertLinks,
)
from cluster.control.requests import Request, as_plain
from cluster.corosync import conf
from cluster.errors import InvalidInput, NotFound, NotInCluster
from cluster.model import Link, LinkState, Node
from cluster.node.link_past import FRAMES

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

FIGURES = [field for field in LinkState.__dataclass_fields__ if field not in ("peer_id", "link", "peer_address")]


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def links(request: Links) -> Any:
        document = node.document()
        if document is None:
            raise NotInCluster("This node is not in a cluster.")
        told = {one.node_id: node.board.card(one.node_id).link_states for one in document.nodes()}
        if (own := document.node(node.options.name)) is not None:
            told[own.node_id] = (await node.links.measure())[0]
        return link_rows(document, told)

    async def history(request: LinkHistory) -> Any:
        document = node.document()
        if document is None:
            raise NotInCluster("This node is not in a cluster.")
        if request.frame not in FRAMES:
            raise InvalidInput("not a time", fields={"frame": "must be hour or day"})
        one, other = document.node(request.node), document.node(request.peer)
        if one is None or other is None or one is other:
            raise NotFound("There are no two such nodes.")
        rows = node.link_past.rows
        return {
            "step_s": FRAMES[request.frame].step_s,
            "there": rows(one.node_id, other.node_id, request.link, request.frame),
            "back": rows(other.node_id, one.node_id, request.link, request.frame),
        }

    async def plan(request: PlanLinks) -> Any:
        found = node.link_changes.plan(request.links)
        return {"steps": [step.title for step in found.steps], "warnings": list(found.warnings)}

    async def change(request: ChangeLinks) -> Any:
        return {"upid": node.link_changes.begin(request)}

    async def confirm(request: ConfirmLinks) -> Any:
        await node.link_changes.host.confirm()

    async def revert(request: RevertLinks) -> Any:
        if await node.link_changes.host.trial() is None:
            raise NotFound("No change of the links is on trial.")
        await node.link_changes.host.go_back()

    async def trial(request: LinkTrial) -> Any:
        return as_plain(node.link_changes.shown())

    return {
        Links: links, LinkHistory: history, PlanLinks: plan, ChangeLinks: change, ConfirmLinks: confirm,
        RevertLinks: revert,
        LinkTrial: trial,
    }  # fmt: skip


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
    far = known.get("peer_address") or far
    return {
        "node": node.name, "peer": peer.name, "link": link.number, "address": link.address, "peer_address": far,
        **{name: known.get(name) for name in FIGURES},
    }  # fmt: skip


def _state(states: tuple[LinkState, ...], peer: Node, link: Link) -> LinkState | None:
    return next((one for one in states if (one.peer_id, one.link) == (peer.node_id, link.number)), None)
