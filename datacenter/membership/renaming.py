"""Another name for a node or for the cluster: the dialog, the plan while it is typed, and then the task's window.

What has to change with the name is the daemon's to know (`cluster/workflow/rename.py`). The way back is another rename.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from cluster.control.plan_requests import Plan, Rename
from cluster.errors import Conflict, InvalidInput, QuireError
from datacenter import gateway
from datacenter.api.permission import ROOT
from datacenter.pages import fragment, needs
from datacenter.session.door import page
from datacenter.tasks.views import task_window

PLAN_TIMEOUT_S = 35.0


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def rename(request: Any, name: str = "") -> HttpResponse:
    """`name` is the node's name now; empty: the cluster's dialog. What stands in the way is said in the dialog."""
    if request.method == "GET":
        typed = request.GET.get("name", "").strip()
        if not typed:
            return fragment(request, "membership/_rename.html", node=name)
        return fragment(request, "membership/_rename_plan.html", **await _foretold(request, name, typed))
    try:
        wish = Rename(request.POST.get("name", "").strip(), name, request.quire_user.username)
        plan = await _plan(wish)
        if plan["obstacle"]:
            raise Conflict(plan["obstacle"])
        begun = await gateway.call(wish)
    except QuireError as error:
        return fragment(request, "_errors.html", status=422, error=error)
    return await task_window(request, begun["upid"], replaces_dialog=True)


async def _foretold(request: Any, node: str, typed: str) -> dict[str, Any]:
    try:
        return {"plan": await _plan(Rename(typed, node, request.quire_user.username))}
    except InvalidInput as error:
        return {"plan": {"obstacle": next(iter(error.fields.values()), error.message)}}


async def _plan(wish: Rename) -> dict[str, Any]:
    plan: dict[str, Any] = await gateway.call(Plan(wish, wish.user), timeout_s=PLAN_TIMEOUT_S)
    return plan
