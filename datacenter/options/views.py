"""The page of options, and the dialog of each."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from cluster.errors import NotFound
from datacenter.api.permission import AUDIT
from datacenter.options.sheet import SHEET
from datacenter.pages import load_picture, needs, show
from datacenter.session.door import page
from datacenter.sheets import views
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Sheet

ACTS = "options-sheet"


@require_GET
@page
@needs(AUDIT)
async def options_page(request: Any, name: str = SHEET.name) -> HttpResponse:
    """Nothing when the page shows that already."""
    _sheet(name)
    one = await views.shown(request, SHEET, await Own.of(request), ACTS)
    if request.GET.get("mark") == one["mark"]:
        return HttpResponse(status=204)
    context = {"tab": "options", "title": SHEET.title, "mark": one["mark"]}
    return await show(request, "sheets/page.html", await load_picture(), sheets=[one], **context)


@require_http_methods(["GET", "POST"])
@page
@needs(AUDIT)
async def act(request: Any, name: str, act: str) -> HttpResponse:
    return await views.dialog(request, _sheet(name), act, ACTS)


def _sheet(name: str) -> Sheet:
    if name != SHEET.name:
        raise NotFound(gettext("There is no such page of options."))
    return SHEET
