"""Requests for what a workflow would do, and for this node's certificate."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.plan_requests import Plan, PlanUndoRemoval, Rename, RenewCertificate
from cluster.control.requests import AddNode, CreateCluster, JoinCluster, LeaveCluster, Request, as_plain
from cluster.errors import NoQuorum, QuireError
from cluster.node import first_start
from cluster.node.handlers.configuration import check_clustered, check_free
from cluster.workflow.foretelling import Foretold

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def plan(request: Plan) -> Any:
        obstacle = _at_the_door(node, request.asked)
        return as_plain(Foretold((), obstacle=obstacle) if obstacle else await node.workflows.foretell(request.asked))

    async def plan_undo(request: PlanUndoRemoval) -> Any:
        return await node.workflows.plan_undo_removal(request.node)

    async def renew(request: RenewCertificate) -> Any:
        if not node.life.replica.writable:
            raise NoQuorum("The certificate cannot be written now: the cluster has no quorum.")
        own = node.options
        due = first_start.node_files(node.life.tree, own.name, own.address, time.time(), renew=request.force)
        fingerprint = await node.host.refresh_certificate() if due else node.served.fingerprint
        return {"renewed": bool(due), "fingerprint": fingerprint}

    async def rename(request: Rename) -> Any:
        check_clustered(node)
        return {"upid": node.workflows.rename(request)}

    return {Rename: rename, Plan: plan, PlanUndoRemoval: plan_undo, RenewCertificate: renew}


def _at_the_door(node: Daemon, asked: CreateCluster | JoinCluster | LeaveCluster | AddNode | Rename) -> str:
    """What the request itself would be refused for."""
    try:
        if isinstance(asked, LeaveCluster | AddNode | Rename):
            check_clustered(node)
        elif isinstance(asked, CreateCluster) or not asked.force:
            check_free(node)
    except QuireError as error:
        return error.message
    return ""
