"""Taking a node out and letting this one leave: the plan first, a name typed to confirm, then the task's window; and
the list of those who are gone, with the way back."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cluster.control.former_requests import FormerStores, UndoJoin
from cluster.control.plan_requests import Plan
from cluster.control.requests import LeaveCluster, RemovalPlan, RemovedNodes, RemoveNode, UndoRemoval
from cluster.errors import InvalidInput, QuireError
from datacenter import gateway
from datacenter.api.permission import AUDIT, ROOT
from datacenter.pages import fragment, load_picture, needs
from datacenter.session.door import page
from datacenter.tasks.views import task_window

UNDO_TIMEOUT_S = 60.0


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def remove(request: Any, name: str) -> HttpResponse:
    """The plan as a dialog, and what it sends."""
    if request.method == "GET":
        return fragment(request, "membership/_remove.html", plan=await gateway.call(RemovalPlan(node=name)))
    try:
        _check_typed(request, name)
        begun = await gateway.call(RemoveNode(node=name, task=True, user=request.quire_user.username))
    except QuireError as error:
        return fragment(request, "_errors.html", status=422, error=error)
    return await task_window(request, begun["upid"], replaces_dialog=True)


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def leave(request: Any) -> HttpResponse:
    """As `remove`, for the node this page comes from."""
    local = (await load_picture()).cluster.local_node
    if request.method == "GET":
        return fragment(request, "membership/_leave.html", **await _leaving(local, request.quire_user.username))
    try:
        _check_typed(request, local)
        force, alive = (request.POST.get(name) == "1" for name in ("force", "even-if-alive"))
        asked = LeaveCluster(force=force, even_if_alive=alive, user=request.quire_user.username)
        begun = await gateway.call(asked)
    except QuireError as error:
        return fragment(request, "_errors.html", status=422, error=error)
    return await task_window(request, begun["upid"], replaces_dialog=True)


@require_GET
@page
@needs(AUDIT)
async def gone(request: Any) -> HttpResponse:
    """Who was removed or left; loaded into the page beside its table of nodes."""
    return fragment(request, "membership/_gone.html", **await _former())


@require_POST
@page
@needs(ROOT)
async def undo(request: Any, name: str) -> HttpResponse:
    """The list again, with what could not be put back, or why nothing was."""
    found: dict[str, Any] = {"name": name}
    try:
        undone = UndoRemoval(node=name, user=request.quire_user.username)
        found["warnings"] = (await gateway.call(undone, timeout_s=UNDO_TIMEOUT_S))["warnings"]
    except QuireError as error:
        found["problem"] = error.message
    return fragment(request, "membership/_gone.html", **await _former(), undone=found)


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def undo_join(request: Any) -> HttpResponse:
    """As `leave`: what this node was before it joined comes back."""
    local = (await load_picture()).cluster.local_node
    if request.method == "GET":
        stores = await gateway.call(FormerStores())
        return fragment(request, "membership/_undo_join.html", name=local, joined=stores["joined"])
    try:
        _check_typed(request, local)
        force = request.POST.get("force") == "1"
        begun = await gateway.call(UndoJoin(force=force, user=request.quire_user.username))
    except QuireError as error:
        return fragment(request, "_errors.html", status=422, error=error)
    return await task_window(request, begun["upid"], replaces_dialog=True)


async def _former() -> dict[str, Any]:
    """Who was a member, and what this node was."""
    return {"removed": await gateway.call(RemovedNodes()), "former": await gateway.call(FormerStores())}


async def _leaving(local: str, user: str) -> dict[str, Any]:
    """The plan for this node; a node that was taken out already has none, and leaves without asking. Where the cluster
    cannot be asked, also whether the others answer, and so may be alive."""
    try:
        found: dict[str, Any] = {"plan": await gateway.call(RemovalPlan(node=local)), "name": local}
    except QuireError:
        return {"plan": None, "name": local}
    if found["plan"]["obstacle"]:
        alone = Plan(LeaveCluster(force=True, user=user), user)
        found["separation"] = await gateway.call(alone, timeout_s=UNDO_TIMEOUT_S)
    return found


def _check_typed(request: Any, name: str) -> None:
    if request.POST.get("confirm", "").strip() != name:
        sentence = gettext("Type the node's name, {name}, to confirm.").format(name=name)
        raise InvalidInput(sentence, fields={"confirm": sentence})
