"""Puts on every request who it is from, and refuses a page's request that another site's page could have made.

`request.quire_user` is a `SignedIn` or None; `request.quire_problem` is the error when the daemon could not be asked.
The API decides for itself which of its endpoints need a user and a token (`datacenter/api/dispatch.py`): its view, like
any that is safe without a token, is marked `csrf_exempt`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from cluster.errors import QuireError, Unauthenticated
from datacenter import gateway
from datacenter.access import cookie, tickets
from datacenter.access.sign_in import SignedIn
from datacenter.problems import problem

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CSRF_HEADER = "CSRFPreventionToken"
CSRF_FIELD = "csrf_token"  # in forms that are sent without a script
API = "/api2/"  # the only place where API tokens and the cookie of programs are taken
REFUSED = _("This request did not come from a page of this site, or the page is too old. Reload it and try again.")


class TicketMiddleware:
    """One pass: read the ticket, ask about it, and let the view run."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: Any) -> HttpResponse:
        request.quire_user = request.quire_problem = None
        gateway.shown_by.set(None)
        try:
            request.quire_user = await self._who(request)
        except Unauthenticated:
            pass
        except QuireError as error:
            request.quire_problem = error
        return await self.get_response(request)

    async def _who(self, request: Any) -> SignedIn | None:
        """A browser's own cookie counts everywhere, a program's ticket or token where programs are served."""
        authorization, is_api = request.headers.get("Authorization", ""), request.path.startswith(API)
        token = tickets.read_token(authorization) if is_api else None
        if token is not None:
            user = await tickets.by_token(token)
            gateway.shown_by.set(token)
            return user
        ticket = await cookie.read(request.COOKIES)
        in_browser = bool(ticket)
        if not ticket and is_api:
            ticket = tickets.read_ticket(request.COOKIES, authorization)
        if not ticket:
            return None
        user = await tickets.signed_in(ticket)
        gateway.shown_by.set(ticket)
        return replace(user, in_browser=in_browser)

    async def process_view(
        self, request: Any, view: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if getattr(view, "csrf_exempt", False) or request.method in SAFE_METHODS:
            return None
        token = request.headers.get(CSRF_HEADER, "") or _form_token(request)
        try:
            if await is_from_our_page(request, token):
                return None
        except QuireError as error:
            return problem(request, error.http_status, gettext("This request could not be checked"), error.message)
        return problem(request, 403, gettext("This is not allowed"), gettext(REFUSED))


async def is_from_our_page(request: Any, token: str) -> bool:
    """Whether a request that changes something proves that a page of this site made it. Errors of the daemon pass.

    Without a signed-in user there is nothing to abuse but signing in itself; there the browser's word has to do.
    """
    if not _same_origin(request):
        return False
    if request.quire_user is None or request.quire_user.is_token:
        return True  # no browser sends a token by itself
    try:
        await tickets.check_csrf(token, request.quire_user.username)
    except Unauthenticated:
        return False
    return True


def _same_origin(request: HttpRequest) -> bool:
    """Browsers say where a request that changes something comes from; programs say nothing."""
    origin = request.headers.get("Origin")
    return origin is None or origin == f"{request.scheme}://{request.get_host()}"


def _form_token(request: HttpRequest) -> str:
    if request.content_type != "application/x-www-form-urlencoded":
        return ""
    return request.POST.get(CSRF_FIELD, "")
