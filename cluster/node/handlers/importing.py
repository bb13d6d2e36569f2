"""Requests about what a joining node brings along: what is taken here, and what this node itself would bring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.import_requests import ContentTaken, PlanImport
from cluster.control.requests import Request, as_plain
from cluster.workflow import bring
from cluster.workflow.import_plan import Taken, plan_import

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def taken(request: ContentTaken) -> Any:
        return bring.as_plain(await bring.what_is_taken(node.host))

    async def plan(request: PlanImport) -> Any:
        own = await bring.own_files(node.host) if node.document() is None else {}
        return [as_plain(row) for row in plan_import(own, node.options.name, Taken()).rows]

    return {ContentTaken: taken, PlanImport: plan}
