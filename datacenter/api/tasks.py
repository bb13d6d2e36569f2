"""Tasks: the cluster's list, a node's list, and one task's state and log.

Whoever started a task, or whose token did, may see it and stop it; the rest needs privileges on the node. A task is
known in full on its own node; what the others know of it is enough for the cluster's list.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cluster.control.node_requests import ClusterTasks
from cluster.control.requests import TaskList, TaskLog, TaskStatus, TaskStop
from cluster.errors import InvalidInput, NotFound
from cluster.model import TaskState
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Listed, NoParameters, Parameters, Row
from datacenter.api.parameters import HEADLINE
from datacenter.api.permission import AUDIT, NODE_AUDIT, SIGNED_IN, Privileged, Within, perm, permitted, require
from datacenter.api.types import Count, Filter, Flag, NodeName, Time, Upid, Words

KEPT_MAX = 500  # finished tasks a node remembers
OUTCOMES = ("ok", "warning", "error", "unknown")

NODE_MODIFY = perm("/nodes/{node}", "Sys.Modify")


class ListParameters(Parameters, kw_only=True):
    node: NodeName
    start: Count = 0
    limit: Count = 50
    userfilter: Filter | None = None
    typefilter: Filter | None = None
    vmid: Count | None = None
    errors: bool = False
    source: Literal["archive", "active", "all"] = "archive"
    since: Time | None = None
    until: Time | None = None
    statusfilter: Words | None = None


class TaskParameters(Parameters, kw_only=True):
    node: NodeName
    upid: Upid


class TaskRow(Row):
    """What every list says of a task."""

    upid: str
    node: str
    type: str
    id: str
    user: str
    starttime: int
    tokenid: str | UnsetType = UNSET
    pid: int | UnsetType = UNSET
    endtime: int | UnsetType = UNSET
    status: str | UnsetType = UNSET


class ClusterTask(TaskRow, kw_only=True):
    saved: Flag


class NodeTask(TaskRow, kw_only=True):
    pstart: int


class TaskStanding(NodeTask, kw_only=True):
    exitstatus: str | UnsetType = UNSET


class LogLine(Row):
    n: int
    t: str


class LogParameters(TaskParameters, kw_only=True):
    start: Count = 0
    limit: Annotated[Count, msgspec.Meta(description="how many lines; 0 is all")] = 50
    download: Annotated[bool, msgspec.Meta(description="all lines, whatever the limit says")] = False


async def cluster_tasks(call: Call, _asked: NoParameters) -> list[dict[str, Any]]:
    tasks = msgspec.convert(await gateway.call(ClusterTasks()), list[TaskState])
    everybody_s = await permitted(call, AUDIT)
    return [_cluster_row(task) for task in tasks if everybody_s or _is_own(call, task)]


async def node_tasks(call: Call, asked: ListParameters) -> Listed:
    tasks = msgspec.convert(await gateway.call(TaskList(limit=KEPT_MAX)), list[TaskState])
    everybody_s = await permitted(call, NODE_AUDIT.at({"node": asked.node}))
    chosen = [task for task in tasks if (everybody_s or _is_own(call, task)) and _is_asked_for(task, asked)]
    end = asked.start + asked.limit if asked.limit else None
    return Listed([_node_row(task) for task in chosen[asked.start : end]], len(chosen))


async def task_status(call: Call, asked: TaskParameters) -> dict[str, Any]:
    task = await _task(call, asked, NODE_AUDIT)
    row = _common(task) | {"pid": task.pid, "pstart": task.pstart}
    if task.end_time_s is None:
        return row | {"status": "running"}
    return row | {"status": "stopped", "exitstatus": task.status}


async def task_log(call: Call, asked: LogParameters) -> Listed:
    await _task(call, asked, NODE_AUDIT)
    log = await gateway.call(TaskLog(asked.upid, asked.start, 0 if asked.download else asked.limit, call.user))
    if not log["total"]:
        return Listed([{"n": 1, "t": "no content"}], 1)
    return Listed(log["lines"], log["total"])


async def stop_task(call: Call, asked: TaskParameters) -> None:
    await _task(call, asked, NODE_MODIFY)
    await gateway.call(TaskStop(asked.upid, call.user))


# --- which tasks ------------------------------------------------------------------------------------------------------


async def _task(call: Call, asked: TaskParameters, permission: Privileged) -> TaskState:
    """One's own, or with the permission anybody's."""
    try:
        task = msgspec.convert(await gateway.call(TaskStatus(asked.upid, call.user)), TaskState)
    except NotFound as error:
        raise InvalidInput(HEADLINE, fields={"upid": error.message}) from None
    if not _is_own(call, task):
        await require(call, permission.at({"node": asked.node}))
    return task


def _is_own(call: Call, task: TaskState) -> bool:
    return call.user == task.user.partition("!")[0]


def _is_asked_for(task: TaskState, asked: ListParameters) -> bool:
    running = task.end_time_s is None
    wanted = {word.strip() for word in (asked.statusfilter or "").replace(";", ",").split(",")} - {""}
    outcome = _outcome(task)
    return (
        (asked.source == "all" or running == (asked.source == "active"))
        and (asked.userfilter is None or asked.userfilter.lower() in task.user.lower())
        and (asked.typefilter is None or asked.typefilter == task.type)
        and (asked.vmid is None or str(asked.vmid) == task.id)
        and (not asked.errors or (not running and outcome not in ("ok", "warning")))
        and (asked.since is None or task.start_time_s >= asked.since)
        and (asked.until is None or task.start_time_s <= asked.until)
        and (not wanted or (not running and outcome in wanted))
    )


def _outcome(task: TaskState) -> str:
    if task.status == "OK":
        return "ok"
    if task.status.startswith("WARNINGS:"):
        return "warning"
    return "unknown" if task.status in ("", "unexpected status") else "error"


# --- rows -------------------------------------------------------------------------------------------------------------


def _common(task: TaskState) -> dict[str, Any]:
    user, _, token = task.user.partition("!")
    row: dict[str, Any] = {
        "upid": task.upid,
        "node": task.node,
        "starttime": task.start_time_s,
        "type": task.type,
        "id": task.id,
        "user": user,
    }
    return row | ({"tokenid": token} if token else {})


def _node_row(task: TaskState) -> dict[str, Any]:
    row = _common(task) | {"pid": task.pid, "pstart": task.pstart}
    if task.end_time_s is None:
        return row | {"status": "RUNNING"}
    return row | {"endtime": task.end_time_s, "status": task.status}


def _cluster_row(task: TaskState) -> dict[str, Any]:
    """Here a pid says that the task runs."""
    if task.end_time_s is None:
        return _common(task) | {"pid": task.pid, "saved": 0}
    return _common(task) | {"endtime": task.end_time_s, "status": task.status, "saved": 1}


MAY_READ = Within("Who began it, or Sys.Audit on /nodes/{node}.")
MAY_STOP = Within("Who began it, or Sys.Modify on /nodes/{node}.")

ENDPOINTS = (
    Endpoint(
        "GET", "/cluster/tasks", "Recent tasks of all nodes.", cluster_tasks, SIGNED_IN, returns=list[ClusterTask]
    ),
    Endpoint(
        "GET", "/nodes/{node}/tasks", "A node's tasks.", node_tasks, SIGNED_IN, ListParameters, list[NodeTask],
        on_node=True,
    ),
    Endpoint(
        "GET", "/nodes/{node}/tasks/{upid}/status", "A task's state.", task_status, MAY_READ, TaskParameters,
        TaskStanding, on_node=True,
    ),
    Endpoint(
        "GET", "/nodes/{node}/tasks/{upid}/log", "A task's log.", task_log, MAY_READ, LogParameters, list[LogLine],
        on_node=True,
    ),
    Endpoint(
        "DELETE", "/nodes/{node}/tasks/{upid}", "Stop a task.", stop_task, MAY_STOP, TaskParameters, on_node=True
    ),
)  # fmt: skip
