"""Requests about join tokens. A joining node has nothing to show but its token, which is looked at first of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.requests import JoinInfo, Request, as_plain
from cluster.control.token_requests import TokenAdd, TokenCreate, TokenOpen, TokenRevoke, TokenRows
from cluster.errors import NotInCluster
from cluster.node.handlers import configuration
from cluster.workflow import invitation
from cluster.workflow.add_node import API_VERSION

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    join_info = configuration.handlers(node)[JoinInfo]

    def tokens() -> Any:
        if node.document() is None:
            raise NotInCluster("This node is not in a cluster; there is nothing to join.")
        return node.workflows.tokens

    async def create(request: TokenCreate) -> Any:
        made, text = await tokens().create(request.name, request.uses, request.hours, request.user)
        information = await join_info(JoinInfo())
        string = invitation.encode(information, text, node.life.replica.uuid)
        shown = invitation.decode(string)
        return {
            "name": made.name, "uses": made.uses, "expires_s": made.expires_s, "invitation": string,
            "command": f"pvecm join {string}", "address": shown.address, "fingerprint": shown.fingerprint,
        }  # fmt: skip

    async def rows(request: TokenRows) -> Any:
        now_s = node.workflows.now_s()
        found = [
            {"name": one.name, "state": one.state(now_s), "uses": one.uses, "used_by": list(one.used_by),
             "made_s": one.made_s, "expires_s": one.expires_s, "user": one.user}
            for one in (await tokens().list() if node.document() is not None else ())
        ]  # fmt: skip
        return found[::-1]

    async def revoke(request: TokenRevoke) -> None:
        await tokens().revoke(request.name, request.user)

    async def opened(request: TokenOpen) -> Any:
        await tokens().check(request.token.reveal(), request.cluster, request.time)
        return {"apiversion": API_VERSION, "information": await join_info(JoinInfo())}

    async def add(request: TokenAdd) -> Any:
        token = await tokens().check(request.token.reveal(), request.cluster, request.time, request.node)
        return as_plain(await node.workflows.add_with_token(request, token))

    return {TokenCreate: create, TokenRows: rows, TokenRevoke: revoke, TokenOpen: opened, TokenAdd: add}
