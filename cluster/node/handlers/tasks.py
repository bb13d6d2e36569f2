"""Requests about tasks: list, state, log, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.access.names import split_token
from cluster.control.conversation import Handler
from cluster.control.node_requests import ClusterTasks
from cluster.control.requests import Request, TaskList, TaskLog, TaskStatus, TaskStop, as_plain
from cluster.model import TaskState

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    node.task_board.tell()

    async def all_nodes(request: ClusterTasks) -> Any:
        return as_plain(node.task_board.rows())

    async def listing(request: TaskList) -> Any:
        return as_plain(node.tasks.list(request.limit))

    def known(request: TaskStatus | TaskLog | TaskStop, privilege: str) -> TaskState:
        """Its own user's, or a token's of that user, or with the privilege on this node anybody's."""
        task = node.tasks.status(request.upid)
        if request.user != split_token(task.user)[0]:
            node.access.rights.demand(request.user, f"/nodes/{node.options.name}", privilege)
        return task

    async def state(request: TaskStatus) -> Any:
        return as_plain(known(request, "Sys.Audit"))

    async def lines(request: TaskLog) -> Any:
        known(request, "Sys.Audit")
        total, found = node.tasks.log(request.upid, request.start, request.limit)
        return {"total": total, "lines": [{"n": number, "t": text} for number, text in found]}

    async def stop(request: TaskStop) -> Any:
        known(request, "Sys.Modify")
        node.tasks.stop(request.upid)

    return {ClusterTasks: all_nodes, TaskList: listing, TaskStatus: state, TaskLog: lines, TaskStop: stop}
