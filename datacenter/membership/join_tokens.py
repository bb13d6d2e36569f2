"""Join tokens on the page: the list, a new one with everything a new node can take it from, and revoking."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from cluster.control.token_requests import TokenCreate, TokenRevoke, TokenRows
from cluster.errors import InvalidInput, QuireError
from datacenter import gateway
from datacenter.api.permission import ROOT
from datacenter.membership.qr import qr_code
from datacenter.pages import fragment, needs
from datacenter.session.door import page


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def tokens(request: Any) -> HttpResponse:
    if request.method == "GET":
        return await _shown(request)
    try:
        made = await gateway.call(_read(request.POST, request.quire_user.username))
    except QuireError as error:
        return await _shown(request, error=error)
    return await _shown(request, made=made, qr=qr_code(made["invitation"]), cloud_init=cloud_init(made["invitation"]))


@require_POST
@page
@needs(ROOT)
async def revoke(request: Any) -> HttpResponse:
    try:
        await gateway.call(TokenRevoke(name=request.POST.get("name", ""), user=request.quire_user.username))
    except QuireError as error:
        return await _shown(request, error=error)
    return await _shown(request, revoked=True)


def cloud_init(invitation: str) -> str:
    """What a new machine's first boot does; the string has only the characters of base64."""
    return f"#cloud-config\nruncmd:\n  - [pvecm, join, {invitation}]\n"


def _read(form: Any, user: str) -> TokenCreate:
    """Raises InvalidInput."""
    try:
        uses, hours = int(form.get("uses", "1")), float(form.get("hours", "3"))
    except ValueError:
        sentence = gettext("Uses and hours are numbers.")
        raise InvalidInput(sentence) from None
    return TokenCreate(name=form.get("name", "").strip(), uses=uses, hours=hours, user=user)


async def _shown(request: Any, **context: Any) -> HttpResponse:
    rows = [row | {"vals": json.dumps({"name": row["name"]})} for row in await gateway.call(TokenRows())]
    return fragment(request, "membership/_tokens.html", tokens=rows, **context)
