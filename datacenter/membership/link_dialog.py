"""Changing links in the browser: the dialog with every link's addresses, and keeping or taking back what is on trial.

What may be is the daemon's to say, and its refusals name the fields `link0` …; the change itself is a task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, QueryDict
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from cluster.control.link_requests import ChangeLinks, ConfirmLinks, RevertLinks
from cluster.errors import InvalidInput, QuireError
from cluster.model import LINKS_MAX, ClusterState
from datacenter import gateway
from datacenter.api.permission import ROOT
from datacenter.membership.words import link_numbers
from datacenter.pages import fragment, load_picture, needs
from datacenter.session.door import page
from datacenter.tasks.views import task_window

CONFIRM_S = 120  # what the dialog proposes
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class LinkForm:
    """One link as the dialog shows it; `new` is the one that does not exist yet."""

    number: int
    priority: str
    addresses: list[tuple[str, str]]
    new: bool = False


def link_forms(cluster: ClusterState) -> list[LinkForm]:
    """The links there are, and one to add while there is a number free."""
    used = link_numbers(cluster)
    free = [number for number in range(LINKS_MAX) if number not in used][:1]
    nodes = sorted(cluster.nodes, key=lambda node: node.node_id)
    forms = []
    for number in [*used, *free]:
        links = {node.name: link for node in nodes for link in node.links if link.number == number}
        priority = next((str(link.priority) for link in links.values() if link.priority is not None), "")
        addresses = [(node.name, links[node.name].address if node.name in links else "") for node in nodes]
        forms.append(LinkForm(number, priority, addresses, new=number in free))
    return forms


def read_wishes(form: QueryDict, forms: list[LinkForm]) -> dict[int, str]:
    """What was typed that differs from what is. Raises InvalidInput when nothing does."""
    wishes: dict[int, str] = {}
    for link in forms:
        key = f"link{link.number}"
        if form.get(f"{key}-remove") == "1":
            wishes[link.number] = "remove"
            continue
        typed = [(name, form.get(f"{key}-{name}", "").strip()) for name, _ in link.addresses]
        priority = form.get(f"{key}-priority", "").strip()
        parts = [f"{name}={address}" for name, address in typed if address]
        if parts and (typed != link.addresses or priority != link.priority):
            wishes[link.number] = ",".join([*parts, *([f"priority={priority}"] if priority else [])])
    if not wishes:
        raise InvalidInput(
            gettext("Nothing is different from what is."), fields={"links": gettext("Change something first.")}
        )
    return wishes


def read_confirm_s(form: QueryDict) -> int:
    """How long the change waits; what may be is the daemon's to say. Raises InvalidInput where it is no number."""
    typed = form.get("confirm-s", str(CONFIRM_S)).strip()
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 5):
        raise InvalidInput(gettext("not a number"), fields={"confirm-s": gettext("This is a whole number.")})
    return int(typed)


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def change(request: Any) -> HttpResponse:
    """The dialog, and what it sends. Errors go back to the fields; success is the task's window in its place."""
    forms = link_forms((await load_picture()).cluster)
    if request.method == "GET":
        return fragment(request, "membership/_change_links.html", links=forms, confirm_s=CONFIRM_S)
    try:
        user, at_once = request.quire_user.username, request.POST.get("at-once") == "1"
        wishes, confirm_s = read_wishes(request.POST, forms), read_confirm_s(request.POST)
        begun = await gateway.call(ChangeLinks(links=wishes, confirm_s=confirm_s, at_once=at_once, user=user))
    except QuireError as error:
        return fragment(request, "_errors.html", status=422, error=error)
    return await task_window(request, begun["upid"], replaces_dialog=True)


@require_POST
@page
@needs(ROOT)
async def confirm(request: Any) -> HttpResponse:
    """What is on trial stays, or with `revert` goes back now; the page hears of either by itself."""
    kind = RevertLinks if request.POST.get("revert") == "1" else ConfirmLinks
    await gateway.call(kind(user=request.quire_user.username), timeout_s=TIMEOUT_S)
    return HttpResponse(status=204)
