"""Signing in, signing out, and the two ways an open page stays signed in: renewal, and the password once more."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cluster.control.access_requests import SignOut
from cluster.errors import InvalidInput, QuireError, Unauthenticated
from datacenter import gateway
from datacenter.access import cookie, tickets
from datacenter.access.delay import after_failed_sign_in
from datacenter.access.sign_in import local_path
from datacenter.session import renewal
from datacenter.session.door import choices, from_own_page, page, sign_in_form

logger = logging.getLogger(__name__)

USERNAME_LENGTH_MAX, PASSWORD_LENGTH_MAX, CODE_LENGTH_MAX, ANSWER_LENGTH_MAX = 64, 1024, 64, 8192
FOREIGN = _("This form did not come from a page of this node. Reload the page and try again.")


class Foreign(Unauthenticated):
    """A form of another site: nobody guessed anything."""


@csrf_exempt
@require_POST
async def sign_in(request: HttpRequest) -> HttpResponse:
    """From the sign-in page: a ticket in a cookie, and on to the page that was wanted; a second factor is asked for."""
    wanted, typed = request.POST.get("next", "/"), _typed(request)
    try:
        found = await _checked(_by_password(request))
    except QuireError as error:
        return await sign_in_form(request, wanted, error.message, typed, status=error.http_status)
    return _second(request, found, wanted) if isinstance(found, renewal.Half) else await _enters(found, wanted)


@csrf_exempt
@require_POST
async def second_step(request: HttpRequest) -> HttpResponse:
    """The second factor, from the page that asked for it."""
    wanted, half = request.POST.get("next", "/"), _half(request)
    try:
        fresh = await _checked(_by_second_factor(request, half))
    except QuireError as error:
        return _second(request, half, wanted, error.message, status=error.http_status)
    return await _enters(fresh, wanted)


@csrf_exempt
@require_http_methods(["GET", "POST"])
async def again(request: Any) -> HttpResponse:
    """The same in a dialog, over a page whose ticket has ended; the page goes on where it was."""
    if request.method == "GET":
        return render(request, "session/_again.html", await choices())
    try:
        if request.POST.get("ticket"):
            return await _goes_on(await _checked(_by_second_factor(request, _half(request))))
        found = await _checked(_by_password(request))
    except QuireError as error:
        return render(request, "_errors.html", {"error": error}, status=422)
    if isinstance(found, renewal.Fresh):
        return await _goes_on(found)
    response = render(request, "session/_again_second.html", {"half": found, "asked": found.asked})
    response.headers["HX-Retarget"] = "#again-slot"
    return response


@csrf_exempt
@require_POST
async def renew(request: Any) -> HttpResponse:
    """A fresh ticket for an open page: from its present one, or after a join from the one before."""
    if not from_own_page(request):
        raise Unauthenticated(gettext(FOREIGN))
    if request.quire_problem is not None:
        raise request.quire_problem
    if request.quire_user is not None:
        fresh: renewal.Fresh | None = await renewal.from_ticket(request.quire_user)
    else:
        fresh = await renewal.after_join(request.COOKIES)
    if fresh is None:
        return JsonResponse({}, status=401)
    response = JsonResponse({"csrf": fresh.csrf.reveal(), "username": fresh.username})
    await cookie.put(response, fresh.ticket)
    return response


@require_POST
@page
async def sign_out(request: Any) -> HttpResponse:
    """The cookie goes, and the ticket in it is refused everywhere, if the cluster can be told."""
    tickets.forget(request.quire_user.ticket)
    try:
        await gateway.call(SignOut(ticket=request.quire_user.ticket))
    except QuireError as error:
        logger.warning("A ticket that was signed out of lives until it ends by itself: %s", error.message)
    response = HttpResponse(status=204, headers={"HX-Redirect": "/"})
    await cookie.take_back(response)
    return response


@require_GET
async def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for this address whatever the page says; the page names the real one."""
    return HttpResponse(status=204, headers={"Cache-Control": "public, max-age=86400"})


Found = TypeVar("Found")


async def _checked(checking: Awaitable[Found]) -> Found:
    """Raises Unauthenticated after the usual delay, and what the daemon says otherwise."""
    began_s = asyncio.get_running_loop().time()
    try:
        return await checking
    except Foreign:
        raise
    except Unauthenticated:
        await after_failed_sign_in(began_s)
        raise


async def _by_password(request: HttpRequest) -> renewal.Fresh | renewal.Half:
    if not from_own_page(request):
        raise Foreign(gettext(FOREIGN))
    typed, password = _typed(request), request.POST.get("password", "")
    if not typed["username"] or not password or len(password) > PASSWORD_LENGTH_MAX:
        raise InvalidInput(gettext("Enter a user name and a password."))
    return await renewal.from_password(f"{typed['username']}@{typed['realm']}", password, _address(request))


async def _by_second_factor(request: HttpRequest, half: renewal.Half) -> renewal.Fresh:
    if not from_own_page(request):
        raise Foreign(gettext(FOREIGN))
    code, answer = request.POST.get("code", "").strip()[:CODE_LENGTH_MAX], request.POST.get("answer", "")
    if not code and not answer or len(answer) > ANSWER_LENGTH_MAX:
        raise InvalidInput(gettext("Enter a code, or use your security key."))
    return await renewal.from_second_factor(half, code, answer, _address(request))


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _half(request: HttpRequest) -> renewal.Half:
    name, ticket = (request.POST.get(field, "")[:ANSWER_LENGTH_MAX] for field in ("username", "ticket"))
    return renewal.Half(name, ticket)


def _typed(request: HttpRequest) -> dict[str, str]:
    """Who wants in: `root` and a realm, or both in one as `root@pam`."""
    username = request.POST.get("username", "").strip()[:USERNAME_LENGTH_MAX]
    realm = request.POST.get("realm", "pam")[:USERNAME_LENGTH_MAX]
    name, _, named_realm = username.partition("@")
    return {"username": name, "realm": named_realm or realm}


def _second(
    request: HttpRequest, half: renewal.Half, wanted: str, sentence: str = "", status: int = 200
) -> HttpResponse:
    context = {"half": half, "asked": half.asked, "wanted": local_path(wanted), "sentence": sentence}
    return render(request, "session/second.html", context, status=status)


async def _enters(fresh: renewal.Fresh, wanted: str) -> HttpResponse:
    response = HttpResponseRedirect(local_path(wanted), status=303)
    await cookie.put(response, fresh.ticket)
    return response


async def _goes_on(fresh: renewal.Fresh) -> HttpResponse:
    """Tells the open page its new token; the event's name is `static/js/session.js`'s."""
    response = HttpResponse(status=204)
    await cookie.put(response, fresh.ticket)
    response.headers["HX-Trigger"] = json.dumps({"quire:signed-in": {"csrf": fresh.csrf.reveal()}})
    return response
