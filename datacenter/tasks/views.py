"""The tasks of all nodes; the window that follows one, as a dialog over any page or as a page; and stopping a task.

Who may see and stop which is decided by the API's own endpoints. This node's own tasks are told live; those of other
nodes are asked for there, again and again while they run.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from cluster.control.requests import TaskLog, TaskStatus
from cluster.errors import NotFound
from cluster.model import TaskState
from datacenter import gateway
from datacenter.api import inside
from datacenter.pages import fragment, load_picture, show, shown
from datacenter.session.door import page
from datacenter.sheets.forms import mark_of
from datacenter.tasks.listing import FILTERS, STATUSES, chosen, task_of, types_of
from datacenter.tasks.log import read_log
from datacenter.tasks.state import read_task

FILTER_CHARS_MAX = 64
ONE = "/nodes/{node}/tasks/{upid}"


@require_GET
@page
async def tasks_page(request: Any) -> HttpResponse:
    """Nothing when the page shows that already."""
    every = [task_of(row) for row in await inside.ask(request, "GET", "/cluster/tasks")]
    wanted = {name: request.GET.get(name, "")[:FILTER_CHARS_MAX] for name in FILTERS}
    found = chosen(every, wanted)
    mark = mark_of(found)
    if request.GET.get("mark") == mark:
        return HttpResponse(status=204)
    offered: dict[str, Any] = {
        "nodes": sorted({task.node for task in every}),
        "types": types_of(every),
        "statuses": STATUSES,
    }
    context: dict[str, Any] = {
        "tab": "tasks",
        "found": found,
        "chosen": wanted,
        "any": bool(every),
        "mark": mark,
        **offered,
    }
    return await show(request, "tasks/tasks.html", await load_picture(), holds_no_secret=True, **context)


@require_GET
@page
async def task(request: Any, upid: str) -> HttpResponse:
    """htmx opens a dialog; the same address by itself is a page."""
    if request.htmx and not request.htmx.history_restore_request:
        return await task_window(request, upid)
    return await show(request, "tasks/task.html", await load_picture(), **await _task_and_log(request, upid))


@require_POST
@page
async def stop(request: Any, upid: str) -> HttpResponse:
    """What the task has done is undone; its window tells how that goes."""
    await inside.ask(request, "DELETE", ONE, {"node": _node_of(upid), "upid": upid})
    return HttpResponse(status=204)


@require_GET
@page
async def follow(request: Any, upid: str) -> HttpResponse:
    """Inside the window of another node's task: how it stands now."""
    return fragment(request, "tasks/_follow.html", **await _task_and_log(request, upid))


async def task_window(request: Any, upid: str, replaces_dialog: bool = False) -> HttpResponse:
    """The window as it is now; from then on the live socket keeps it up to date."""
    context = {**shown(await load_picture()), **await _task_and_log(request, upid)}
    response = fragment(request, "tasks/_window.html", **context)
    if replaces_dialog:
        response.headers["HX-Retarget"] = "#dialog-slot"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


async def _task_and_log(request: Any, upid: str) -> dict[str, Any]:
    """Raises NotFound, Forbidden, and PeerError for a node that does not answer."""
    try:
        task: TaskState = read_task(await gateway.call(TaskStatus(upid, request.quire_user.username)))
    except NotFound:
        return await _elsewhere(request, upid)
    asked = {"node": task.node, "upid": upid}
    await inside.ask(request, "GET", f"{ONE}/status", asked)  # says whether the caller may see it
    return {
        "task": task,
        "lines": read_log(await gateway.call(TaskLog(upid, limit=0, user=request.quire_user.username))),
        "elsewhere": False,
    }


async def _elsewhere(request: Any, upid: str) -> dict[str, Any]:
    node = _node_of(upid)
    picture = await load_picture()
    if picture.cluster.node(node) is None or node == picture.cluster.local_node:
        raise NotFound(gettext("There is no such task."))
    asked = {"node": node, "upid": upid}
    row = await inside.ask(request, "GET", f"{ONE}/status", asked)
    task = task_of(row)
    if row.get("exitstatus"):
        task = replace(task, end_time_s=task.end_time_s or task.start_time_s, progress=1.0)
    lines = await inside.ask(request, "GET", f"{ONE}/log", {**asked, "limit": "0"})
    return {"task": task, "lines": read_log({"lines": lines}), "elsewhere": True}


def _node_of(upid: str) -> str:
    return upid.split(":")[1] if upid.count(":") > 1 else ""
