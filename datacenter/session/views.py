"""Signing in, signing out, and the two ways an open page stays signed in: renewal, and the password once more."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cluster.control.access_requests import SignOut
from cluster.errors import InvalidInput, QuireError, Unauthenticated
from datacenter import gateway
from datacenter.access import tickets
from datacenter.access.delay import after_failed_sign_in
from datacenter.access.sign_in import clear_ticket, local_path, set_ticket
from datacenter.session import renewal
from datacenter.session.door import REALMS, from_own_page, page, sign_in_form

logger = logging.getLogger(__name__)

USERNAME_LENGTH_MAX, PASSWORD_LENGTH_MAX, CODE_LENGTH_MAX = 64, 1024, 64
FOREIGN = "This form did not come from a page of this node. Reload the page and try again."


@csrf_exempt
@require_POST
async def sign_in(request: HttpRequest) -> HttpResponse:
    """From the sign-in page: a ticket in a cookie, and on to the page that was wanted."""
    wanted, typed = request.POST.get("next", "/"), _typed(request)
    try:
        fresh = await _by_password(request)
    except QuireError as error:
        return sign_in_form(request, wanted, error.message, typed, status=error.http_status)
    response = HttpResponseRedirect(local_path(wanted), status=303)
    set_ticket(response, fresh.ticket)
    return response


@csrf_exempt
@require_http_methods(["GET", "POST"])
async def again(request: Any) -> HttpResponse:
    """The same in a dialog, over a page whose ticket has ended; the page goes on where it was."""
    context: dict[str, Any] = {"realms": REALMS, "typed": {"username": "root", "realm": "pam"}}
    if request.method == "POST":
        try:
            return _goes_on(await _by_password(request), HttpResponse(status=204))
        except QuireError as error:
            return render(request, "_errors.html", {"error": error}, status=422)
    return render(request, "session/_again.html", context)


@csrf_exempt
@require_POST
async def renew(request: Any) -> HttpResponse:
    """A fresh ticket for an open page: from its present one, or after a join from the one before."""
    if not from_own_page(request):
        raise Unauthenticated(FOREIGN)
    if request.quire_problem is not None:
        raise request.quire_problem
    if request.quire_user is not None:
        fresh: renewal.Fresh | None = await renewal.from_ticket(request.quire_user)
    else:
        fresh = await renewal.after_join(tickets.read_ticket(request.COOKIES))
    if fresh is None:
        return JsonResponse({}, status=401)
    response = JsonResponse({"csrf": fresh.csrf, "username": fresh.username})
    set_ticket(response, fresh.ticket)
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
    clear_ticket(response)
    return response


@require_GET
async def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for this address whatever the page says; the page names the real one."""
    return HttpResponse(status=204, headers={"Cache-Control": "public, max-age=86400"})


async def _by_password(request: HttpRequest) -> renewal.Fresh:
    """Raises Unauthenticated after the usual delay, and what the daemon says otherwise."""
    if not from_own_page(request):
        raise Unauthenticated(FOREIGN)
    began_s = asyncio.get_running_loop().time()
    typed = _typed(request)
    address = request.META.get("REMOTE_ADDR", "")
    password, code = request.POST.get("password", ""), request.POST.get("code", "").strip()[:CODE_LENGTH_MAX]
    if not typed["username"] or not password or len(password) > PASSWORD_LENGTH_MAX:
        raise InvalidInput("Enter a user name and a password.")
    try:
        return await renewal.from_password(f"{typed['username']}@{typed['realm']}", password, address, code)
    except Unauthenticated:
        await after_failed_sign_in(began_s)
        raise


def _typed(request: HttpRequest) -> dict[str, str]:
    """Who wants in: `root` and a realm, or both in one as `root@pam`."""
    username = request.POST.get("username", "").strip()[:USERNAME_LENGTH_MAX]
    realm = request.POST.get("realm", "pam")
    name, _, named_realm = username.partition("@")
    known = [key for key, _ in REALMS]
    return {"username": name, "realm": named_realm or (realm if realm in known else "pam")}


def _goes_on(fresh: renewal.Fresh, response: HttpResponse) -> HttpResponse:
    """Tells the open page its new token; the event's name is `static/js/session.js`'s."""
    set_ticket(response, fresh.ticket)
    response.headers["HX-Trigger"] = json.dumps({"quire:signed-in": {"csrf": fresh.csrf}})
    return response
