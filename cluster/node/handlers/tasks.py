"""Requests about tasks: list, state, log, stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.node_requests import ClusterTasks
from cluster.control.requests import Request, TaskList, TaskLog, TaskStatus, TaskStop, as_plain
from cluster.node.task_board import TaskBoard

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    task_board = TaskBoard(node.tasks, node.board, node.say, node.name_of, lambda: node.life.replica.node_id)

    task_board.tell()

    async def all_nodes(request: ClusterTasks) -> Any:
        return as_plain(task_board.rows())

    async def listing(request: TaskList) -> Any:
        return as_plain(node.tasks.list(request.limit))

    async def state(request: TaskStatus) -> Any:
        return as_plain(node.tasks.status(request.upid))

    async def lines(request: TaskLog) -> Any:
        total, found = node.tasks.log(request.upid, request.start, request.limit)
        return {"total": total, "lines": [{"n": number, "t": text} for number, text in found]}

    async def stop(request: TaskStop) -> Any:
        node.tasks.stop(request.upid)

    return {ClusterTasks: all_nodes, TaskList: listing, TaskStatus: state, TaskLog: lines, TaskStop: stop}
