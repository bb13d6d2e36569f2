"""Requests about the cluster's witness."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.requests import Request, as_plain
from cluster.control.witness_requests import PlanWitness, RemoveWitness, SetUpWitness, WitnessTold
from cluster.errors import NotInCluster

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def set_up(request: SetUpWitness) -> Any:
        return {"upid": node.witness.set_up(request)}

    async def remove(request: RemoveWitness) -> Any:
        return {"upid": node.witness.remove(request)}

    async def plan(request: PlanWitness) -> Any:
        return as_plain(await node.witness.plan(request))

    async def told(request: WitnessTold) -> Any:
        state = node.publisher.state
        if state is None or state.witness is None:
            raise NotInCluster("This node is not in a cluster.")
        return as_plain(state.witness)

    return {SetUpWitness: set_up, RemoveWitness: remove, PlanWitness: plan, WitnessTold: told}
