"""Renders a page: whole, with the shell around it, or only its content when htmx asks for that.

One template serves both. A view decides what is in it and calls `show`; what surrounds it (the tree, the tasks, who is
signed in) is put together here from the same picture that live updates start from.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext

from cluster.control.requests import Status
from cluster.core.advice import advice
from cluster.core.health import health, quorum_standing
from cluster.errors import Forbidden
from datacenter import gateway
from datacenter.access import cookie, masks
from datacenter.api.call import Call
from datacenter.api.permission import AUDIT, Permission, in_words, permitted
from datacenter.live.picture import Picture, picture_of
from datacenter.membership import words
from datacenter.membership.read_only import read_only
from datacenter.session import renewal
from datacenter.session.door import View
from datacenter.tabs import tabs
from datacenter.web.bodies import HOLDS_NO_SECRET

TASKS_SHOWN = 25


async def load_picture() -> Picture:
    """All a page needs to know of the cluster. Raises what the daemon raises."""
    return picture_of(await gateway.call(Status()))


def shown(picture: Picture) -> dict[str, Any]:
    """What every template about the cluster may use; live fragments are rendered with the same.

    What takes looking at every node and link is only reckoned once a template asks for it."""
    cluster, now_s = picture.cluster, time.time()
    return {
        "picture": picture,
        "cluster": cluster,
        "local": cluster.node(cluster.local_node),
        "health": SimpleLazyObject(lambda: health(cluster, now_s)),
        "standing": SimpleLazyObject(lambda: quorum_standing(cluster)),
        "advice": SimpleLazyObject(lambda: advice(cluster, now_s)),
        "read_only": SimpleLazyObject(lambda: read_only(cluster)),
        "link_numbers": words.link_numbers(cluster),
        "tasks": picture.tasks[:TASKS_SHOWN],
    }


def needs(permission: Permission) -> Callable[[View], View]:
    """A page for whoever has `permission`; everybody else is told what it takes. Names in its path are the view's."""

    def guarding(view: View) -> View:
        @wraps(view)
        async def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
            needed = permission.at(kwargs)
            if await permitted(Call.of(request), needed):
                return await view(request, *args, **kwargs)
            words = in_words(needed)
            if request.method != "GET" or request.headers.get("HX-Target") == "dialog-slot":
                raise Forbidden(gettext("You may not do this. It takes {words}.").format(words=words))
            return await show(request, "access/no_rights.html", await load_picture(), status=403, needed=words)

        return guarded

    return guarding


async def show(
    request: Any, template: str, picture: Picture, status: int = 200, *, holds_no_secret: bool = False, **context: Any
) -> HttpResponse:
    """A page, for a signed-in user. A whole page also renews the ticket, and carries its anti-forgery token, covered.

    One whose content holds no secret travels compressed; that of a file, a log or a setting may."""
    may_look = await permitted(Call.of(request), AUDIT)
    own = {"user": request.quire_user, "tabs": await tabs(request), "may_look": may_look}
    context = {**shown(picture), **own, **context}
    if not may_look:
        context["tasks"] = [task for task in picture.tasks if task.user == request.quire_user.username][:TASKS_SHOWN]
    if _only_content(request):
        response = render(request, template, {**context, "frame": "content_only.html"}, status=status)
        return _as_it_travels(response, holds_no_secret)
    fresh = await renewal.from_ticket(request.quire_user)
    whole = {**context, "frame": "shell.html", "csrf": masks.covered(fresh.csrf)}
    response = render(request, template, whole, status=status)
    await cookie.put(response, fresh.ticket)
    return _as_it_travels(response, holds_no_secret)


def fragment(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    """A piece of a page: a dialog, the errors of a form."""
    return render(request, template, context, status=status)


def _only_content(request: Any) -> bool:
    return bool(request.htmx) and not request.htmx.history_restore_request


def _as_it_travels(response: HttpResponse, holds_no_secret: bool) -> HttpResponse:
    """The two forms of a page share an address; nothing between us and the browser may mix them up."""
    response.headers["Vary"] = "HX-Request, Cookie"
    if holds_no_secret:
        response.headers[HOLDS_NO_SECRET] = "yes"
    return response
