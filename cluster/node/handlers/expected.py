"""Requests about expecting fewer votes for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.link_requests import PlanExpected, SetExpected
from cluster.control.requests import Request, as_plain

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def plan(request: PlanExpected) -> Any:
        return as_plain(await node.expected.plan(request.expected))

    async def set_expected(request: SetExpected) -> Any:
        return as_plain(await node.expected.set(request))

    return {PlanExpected: plan, SetExpected: set_expected}
