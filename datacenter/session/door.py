"""The way into a page: `@page` runs a view for whoever is signed in, and shows everybody else the sign-in form.

The form is shown at the page's own address, so that signing in ends where one wanted to go. Who is signed in is
`datacenter/access/`; what the form does is `views.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from cluster.control.access_requests import RealmList
from cluster.errors import QuireError
from datacenter import gateway
from datacenter.access import cookie
from datacenter.access.sign_in import local_path
from datacenter.session import renewal

View = Callable[..., Coroutine[Any, Any, HttpResponse]]


def page(view: View) -> View:
    """A daemon that cannot be asked raises its error: not knowing who asks is no reason to sign anybody out."""

    @wraps(view)
    async def guarded(request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.quire_user is not None:
            return await view(request, *args, **kwargs)
        if request.quire_problem is not None:
            raise request.quire_problem
        if request.htmx:
            return HttpResponse(status=401, headers={"HX-Trigger": "quire:signed-out"})
        fresh = await renewal.after_join(request.COOKIES)
        if fresh is None or request.method != "GET":
            return await sign_in_form(request, wanted=request.get_full_path() if request.method == "GET" else "/")
        response = HttpResponseRedirect(local_path(request.get_full_path()))
        await cookie.put(response, fresh.ticket)
        return response

    return guarded


async def sign_in_form(
    request: HttpRequest, wanted: str, sentence: str = "", typed: dict[str, str] | None = None, status: int = 200
) -> HttpResponse:
    """The sign-in page; `sentence` says why the last try failed, `typed` is what was typed (never the password)."""
    context = {"wanted": local_path(wanted), "sentence": sentence, **await choices(typed)}
    return render(request, "session/sign_in.html", context, status=status)


async def choices(typed: dict[str, str] | None = None) -> dict[str, Any]:
    """The realms of the cluster, and what the form begins with. A node that cannot tell has those that always are."""
    try:
        rows = await gateway.call(RealmList())
    except QuireError:
        rows = [{"realm": "pam", "type": "pam"}, {"realm": "pve", "type": "pve"}]
    chosen = next((row["realm"] for row in rows if row.get("default")), "pam")
    return {
        "typed": {"username": "root" if chosen == "pam" else "", "realm": chosen} | (typed or {}),
        "realms": [(row["realm"], row.get("comment") or row["realm"]) for row in rows if row["type"] != "openid"],
        "providers": [row["realm"] for row in rows if row["type"] == "openid"],
    }


def from_own_page(request: HttpRequest) -> bool:
    """Whether the browser says that a page of this site sent this form. Programs, which say nothing, may."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    return origin is None or origin == f"{request.scheme}://{request.get_host()}"
