"""The window that follows a task, as a dialog over any page or as a page of its own; and stopping a task."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from cluster.control.requests import TaskLog, TaskStatus, TaskStop
from cluster.model import TaskState
from datacenter import gateway
from datacenter.pages import fragment, load_picture, show, shown
from datacenter.session.door import page
from datacenter.tasks.log import read_log
from datacenter.tasks.state import read_task


@require_GET
@page
async def task(request: Any, upid: str) -> HttpResponse:
    """htmx opens a dialog; the same address by itself is a page."""
    if request.htmx and not request.htmx.history_restore_request:
        return await task_window(request, upid)
    return await show(request, "tasks/task.html", await load_picture(), **await _task_and_log(upid))


@require_POST
@page
async def stop(request: Any, upid: str) -> HttpResponse:
    """What the task has done is undone; its window tells how that goes."""
    await gateway.call(TaskStop(upid=upid))
    return HttpResponse(status=204)


async def task_window(request: Any, upid: str, replaces_dialog: bool = False) -> HttpResponse:
    """The window as it is now; from then on the live socket keeps it up to date."""
    context = {**shown(await load_picture()), **await _task_and_log(upid)}
    response = fragment(request, "tasks/_window.html", **context)
    if replaces_dialog:
        response.headers["HX-Retarget"] = "#dialog-slot"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


async def _task_and_log(upid: str) -> dict[str, Any]:
    """Raises NotFound."""
    state: TaskState = read_task(await gateway.call(TaskStatus(upid=upid)))
    return {"task": state, "lines": read_log(await gateway.call(TaskLog(upid=upid, limit=0)))}
