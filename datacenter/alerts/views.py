"""The pages below Datacenter → Alerts, one for each sheet, and their dialogs."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from cluster.errors import NotFound
from datacenter.alerts.sheets import SHEETS
from datacenter.api.permission import AUDIT
from datacenter.pages import load_picture, needs, show
from datacenter.session.door import page
from datacenter.sheets import views
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Sheet

ACTS = "alerts-sheet"


def _sheet(name: str) -> Sheet:
    if name not in SHEETS:
        raise NotFound(gettext("There is no such page of alerts."))
    return SHEETS[name]


@require_GET
@page
@needs(AUDIT)
async def alerts_page(request: Any, name: str = "current") -> HttpResponse:
    """Nothing when the page shows that already."""
    sheet = _sheet(name)
    one = await views.shown(request, sheet, await Own.of(request), ACTS)
    if request.GET.get("mark") == one["mark"]:
        return HttpResponse(status=204)
    context: dict[str, Any] = {"tab": "alerts", "subtabs": SHEETS.values(), "subtab": name, "title": sheet.title}
    return await show(request, "alerts/page.html", await load_picture(), sheets=[one], mark=one["mark"], **context)


@require_http_methods(["GET", "POST"])
@page
@needs(AUDIT)
async def act(request: Any, name: str, act: str) -> HttpResponse:
    return await views.dialog(request, _sheet(name), act, ACTS)
