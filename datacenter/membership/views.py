"""Datacenter → Cluster, and the dialogs to create, to invite and to join."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cluster.control.import_requests import PlanImport
from cluster.control.requests import DecodeInvitation, Interfaces, JoinInfo
from cluster.errors import InvalidInput, QuireError
from cluster.model import LINKS_MAX
from datacenter import gateway
from datacenter.api.permission import AUDIT, ROOT
from datacenter.membership.addresses import choices, for_links
from datacenter.membership.forms import read_create, read_join
from datacenter.membership.invitation import join_information
from datacenter.pages import fragment, load_picture, needs, show
from datacenter.session.door import page
from datacenter.tasks.views import task_window

IMPORT_TIMEOUT_S = 20.0
INVITATION_CHARS_MAX = 8192  # the daemon has a closer bound; this keeps a pasted film from travelling


@require_GET
@page
@needs(AUDIT)
async def cluster_page(request: Any) -> HttpResponse:
    return await show(request, "membership/cluster.html", await load_picture(), holds_no_secret=True)


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def create(request: Any) -> HttpResponse:
    """The dialog, and what it sends. Errors go back to the fields; success is the task's window in its place."""
    if request.method == "GET":
        return fragment(request, "membership/_create.html", **await _link_choices())
    try:
        started = await gateway.call(read_create(request.POST, request.quire_user.username))
    except QuireError as error:
        return fragment(request, "_errors.html", status=422, error=error)
    return await task_window(request, started["upid"], replaces_dialog=True)


@require_GET
@page
@needs(AUDIT)
async def join_info(request: Any) -> HttpResponse:
    """What to carry to the node that is to join."""
    information = join_information(await gateway.call(JoinInfo()))
    return fragment(request, "membership/_join_information.html", information=information)


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def join(request: Any) -> HttpResponse:
    """The dialog, and what it sends; as for `create`."""
    if request.method == "GET":
        content = await gateway.call(PlanImport(request.quire_user.username), timeout_s=IMPORT_TIMEOUT_S)
        return fragment(request, "membership/_join.html", content=content, **await _link_choices())
    try:
        invitation = await _decoded(request) if request.POST.get("mode") != "manual" else None
        started = await gateway.call(read_join(request.POST, invitation, request.quire_user.username))
    except QuireError as error:
        return fragment(request, "_errors.html", status=422, error=error)
    return await task_window(request, started["upid"], replaces_dialog=True)


@require_POST
@page
async def decode(request: Any) -> HttpResponse:
    """A pasted join string as what it says: shown at once, below where it was pasted."""
    found: dict[str, Any] = {"decoded": True}
    try:
        if request.POST.get("invitation", "").strip():
            invitation, offered = await _decoded(request), await _link_choices()
            links = for_links(invitation["links"], offered["addresses"], offered["chosen"])
            found |= {"invitation": invitation, "links": links, "changes_password": True, **offered}
    except InvalidInput as error:
        found["problem"] = error.fields.get("invitation", error.message)
    return fragment(request, "membership/_invitation.html", **found)


async def _decoded(request: Any) -> dict[str, Any]:
    """Raises InvalidInput for the field `invitation`."""
    text = request.POST.get("invitation", "").strip()
    if not text:
        raise InvalidInput(
            gettext("nothing was pasted"), fields={"invitation": gettext("Paste the join information here.")}
        )
    if len(text) > INVITATION_CHARS_MAX:
        raise InvalidInput(
            gettext("too long"), fields={"invitation": gettext("This is too long to be join information.")}
        )
    decoded: dict[str, Any] = await gateway.call(DecodeInvitation(text=text))
    return decoded


async def _link_choices() -> dict[str, Any]:
    """This host's own addresses, for the link editor; the one this node is known by is chosen to begin with."""
    cluster = (await load_picture()).cluster
    own = next((node.address for node in cluster.nodes if node.local), "")
    return {"addresses": choices(await gateway.call(Interfaces())), "chosen": own, "link_range": range(LINKS_MAX)}
