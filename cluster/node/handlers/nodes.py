"""Requests about nodes as machines: where one is, and calls carried to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.node_requests import ForwardCall, LocateNode, NodeHistory
from cluster.control.requests import Request
from cluster.errors import InvalidInput
from cluster.node.archive import FRAMES
from cluster.node.forwarding import Forwarding

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    forwarding = Forwarding(lambda: node.publisher.state, lambda node_id: node.board.card(node_id).announcement)

    async def locate(request: LocateNode) -> Any:
        found = forwarding.locate(request.node)
        return {"name": found.name, "local": found.local}

    async def forward(request: ForwardCall) -> Any:
        return await forwarding.carry(request)

    async def history(request: NodeHistory) -> Any:
        if request.frame not in FRAMES:
            raise InvalidInput(f"There is no timeframe {request.frame[:20]!r}.")
        return node.archive.history(forwarding.locate(request.node).name, request.frame, maximum=request.maximum)

    return {LocateNode: locate, ForwardCall: forward, NodeHistory: history}
