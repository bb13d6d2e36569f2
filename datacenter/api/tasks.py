"""Tasks: the cluster's list, a node's list, and one task's state and log.

Whoever started a task may see it; the rest needs the right to look at the node, which until there are other users with
privileges only root@pam has.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from cluster.control.requests import Status, TaskList, TaskLog, TaskStatus, TaskStop
from cluster.errors import Forbidden, InvalidInput, NotFound, QuireError
from cluster.model import TaskState
from datacenter import gateway
from datacenter.api.endpoint import Call, Endpoint, Listed, NoParameters, Parameters
from datacenter.api.parameters import HEADLINE
from datacenter.api.snapshot import this_node
from datacenter.api.types import Count, Filter, NodeName, Time, Upid, Words

ROOT = "root@pam"
KEPT_MAX = 500  # finished tasks a node remembers
CLUSTER_LIST_MAX = 25
OUTCOMES = ("ok", "warning", "error", "unknown")

Row = dict[str, Any]


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


class LogParameters(TaskParameters, kw_only=True):
    start: Count = 0
    limit: Count = 50


async def cluster_tasks(call: Call, _asked: NoParameters) -> list[Row]:
    tasks = msgspec.convert((await gateway.call(Status()))["tasks"], list[TaskState])
    return [_cluster_row(task) for task in tasks[:CLUSTER_LIST_MAX] if _may_see(call, task)]


async def node_tasks(call: Call, asked: ListParameters) -> Listed:
    await this_node(asked.node, "the tasks")
    tasks = msgspec.convert(await gateway.call(TaskList(limit=KEPT_MAX)), list[TaskState])
    chosen = [task for task in tasks if _may_see(call, task) and _is_asked_for(task, asked)]
    end = asked.start + asked.limit if asked.limit else None
    return Listed([_node_row(task) for task in chosen[asked.start : end]], len(chosen))


async def task_status(call: Call, asked: TaskParameters) -> Row:
    task = await _task(call, asked)
    row = _common(task) | {"pid": task.pid, "pstart": task.pstart}
    if task.end_time_s is None:
        return row | {"status": "running"}
    return row | {"status": "stopped", "exitstatus": task.status}


async def task_log(call: Call, asked: LogParameters) -> Listed:
    await _task(call, asked)
    log = await gateway.call(TaskLog(upid=asked.upid, start=asked.start, limit=asked.limit))
    if not log["total"]:
        return Listed([{"n": 1, "t": "no content"}], 1)
    return Listed(log["lines"], log["total"])


async def stop_task(call: Call, asked: TaskParameters) -> None:
    await _task(call, asked)
    await gateway.call(TaskStop(upid=asked.upid))


# --- which tasks ------------------------------------------------------------------------------------------------------


async def _task(call: Call, asked: TaskParameters) -> TaskState:
    await this_node(asked.node, "the tasks")
    try:
        task = msgspec.convert(await gateway.call(TaskStatus(upid=asked.upid)), TaskState)
    except NotFound as error:
        raise InvalidInput(HEADLINE, fields={"upid": error.message}) from None
    if not _may_see(call, task):
        raise _forbidden(asked.node)
    return task


def _forbidden(node: str) -> QuireError:
    return Forbidden(f"Permission check failed (/nodes/{node}, Sys.Audit)")


def _may_see(call: Call, task: TaskState) -> bool:
    return call.user in (ROOT, task.user.partition("!")[0])


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


def _common(task: TaskState) -> Row:
    user, _, token = task.user.partition("!")
    row: Row = {
        "upid": task.upid,
        "node": task.node,
        "starttime": task.start_time_s,
        "type": task.type,
        "id": task.id,
        "user": user,
    }
    return row | ({"tokenid": token} if token else {})


def _node_row(task: TaskState) -> Row:
    row = _common(task) | {"pid": task.pid, "pstart": task.pstart}
    if task.end_time_s is None:
        return row | {"status": "RUNNING"}
    return row | {"endtime": task.end_time_s, "status": task.status}


def _cluster_row(task: TaskState) -> Row:
    """Here a pid says that the task runs."""
    if task.end_time_s is None:
        return _common(task) | {"pid": task.pid, "saved": 0}
    return _common(task) | {"endtime": task.end_time_s, "status": task.status, "saved": 1}


ENDPOINTS = (
    Endpoint("GET", "/cluster/tasks", "Recent tasks.", cluster_tasks, "any", returns="[{upid, …}]"),
    Endpoint("GET", "/nodes/{node}/tasks", "A node's tasks.", node_tasks, "any", ListParameters, "[{upid, …}]"),
    Endpoint(
        "GET", "/nodes/{node}/tasks/{upid}/status", "A task's state.", task_status, "any", TaskParameters, "{status, …}"
    ),
    Endpoint("GET", "/nodes/{node}/tasks/{upid}/log", "A task's log.", task_log, "any", LogParameters, "[{n, t}]"),
    Endpoint("DELETE", "/nodes/{node}/tasks/{upid}", "Stop a task.", stop_task, "any", TaskParameters),
)
