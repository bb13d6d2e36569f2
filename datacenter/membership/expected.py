"""Expecting fewer votes in the browser: what it would mean, who answers still, and a deliberate yes."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from cluster.control.link_requests import PlanExpected, SetExpected
from cluster.errors import InvalidInput, QuireError
from datacenter import gateway
from datacenter.api.permission import ROOT
from datacenter.pages import fragment, load_picture, needs
from datacenter.session.door import page

TIMEOUT_S = 20.0


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def expected(request: Any) -> HttpResponse:
    """The dialog for what would make this side quorate, and what it sends."""
    quorum = (await load_picture()).cluster.quorum
    try:
        if request.method == "GET":
            votes = max(1, quorum.total_votes if quorum is not None else 1)
            plan = await gateway.call(PlanExpected(expected=votes), timeout_s=TIMEOUT_S)
            return fragment(request, "membership/_expected.html", plan=plan)
        plan = await gateway.call(_read(request), timeout_s=TIMEOUT_S)
    except QuireError as error:
        if request.method == "GET":
            raise
        return fragment(request, "_errors.html", status=422, error=error)
    return fragment(request, "membership/_expected_done.html", plan=plan)


def _read(request: Any) -> SetExpected:
    """Raises InvalidInput."""
    text = request.POST.get("expected", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 6):
        raise InvalidInput(gettext("not a number"), fields={"expected": gettext("This is a whole number.")})
    if request.POST.get("sure") != "1":
        raise InvalidInput(gettext("not confirmed"), fields={"sure": gettext("Say that you know that they are off.")})
    minutes = request.POST.get("minutes", "10")
    lasts_s = int(minutes) * 60 if minutes.isascii() and minutes.isdecimal() and len(minutes) < 5 else 0
    force = request.POST.get("force") == "1"
    return SetExpected(expected=int(text), lasts_s=lasts_s, force=force, user=request.quire_user.username)
