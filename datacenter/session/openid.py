"""Signing in with an OpenID provider: the browser goes there and comes back, both times over a page of this site.

A page in between, because a form may only lead to this site (the content security policy), and because the ticket's
cookie is not sent with what another site leads to. A cookie of its own says that it is this browser that went.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from cluster.errors import QuireError, Unauthenticated
from cluster.secret import Secret
from datacenter.access import cookie
from datacenter.access.sign_in import local_path
from datacenter.api import inside
from datacenter.session.door import from_own_page, sign_in_form

COOKIE, PATH, COOKIE_S = "__Host-QuireOpenId", "/session/openid", 300
SENT_CHARS_MAX = 8192
FOREIGN = _("This browser did not begin to sign in here, or too long ago. Try again.")


@csrf_exempt
@require_POST
async def leave(request: HttpRequest) -> HttpResponse:
    """To the provider of the chosen realm."""
    wanted, realm = local_path(request.POST.get("next", "/")), request.POST.get("realm", "")
    try:
        if not from_own_page(request):
            raise Unauthenticated(gettext(FOREIGN))
        asked = {"realm": realm, "redirect-url": _back(request)}
        address: str = await inside.ask(request, "POST", "/access/openid/auth-url", asked)
    except QuireError as error:
        return await sign_in_form(request, wanted, error.message, status=error.http_status)
    response = render(request, "session/onward.html", {"address": address, "place": realm})
    state = parse_qs(urlsplit(address).query)["state"][0]
    kept = f"{_mark(state)}{quote(wanted, safe='')}"
    response.set_cookie(COOKIE, kept, max_age=COOKIE_S, secure=True, httponly=True, samesite="Lax", path="/")
    return response


@require_GET
async def back(request: Any) -> HttpResponse:
    """From the provider: with a code, or with its refusal."""
    state, code = (request.GET.get(name, "")[:SENT_CHARS_MAX] for name in ("state", "code"))
    mark, wanted = request.COOKIES.get(COOKIE, "")[:64], local_path(unquote(request.COOKIES.get(COOKIE, "")[64:]))
    try:
        if not hmac.compare_digest(mark.encode(), _mark(state).encode()):
            raise Unauthenticated(gettext(FOREIGN))
        asked = {"state": state, "code": code, "redirect-url": _back(request)}
        answer = await inside.ask(request, "POST", "/access/openid/login", asked)
    except QuireError as error:
        return await sign_in_form(request, wanted, error.message, status=error.http_status)
    response = render(request, "session/onward.html", {"address": wanted})
    response.set_cookie(COOKIE, "", max_age=0, secure=True, httponly=True, samesite="Lax", path="/")
    await cookie.put(response, Secret(answer["ticket"]))
    return response


def _back(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}{PATH}/back"


def _mark(state: str) -> str:
    return sha256(state.encode("utf-8", "replace")).hexdigest()
