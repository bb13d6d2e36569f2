"""The pages below Datacenter → Alerts, one for each sheet, and their dialogs."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from datacenter.alerts.sheets import SHEETS
from datacenter.api.permission import AUDIT
from datacenter.pages import needs
from datacenter.session.door import page
from datacenter.sheets.room import Room

ROOM = Room("alerts", "Alerts", "alerts-sheet", SHEETS, about="@events")


@require_GET
@page
@needs(AUDIT)
async def alerts_page(request: Any, name: str = "current") -> HttpResponse:
    return await ROOM.page(request, name)


@require_http_methods(["GET", "POST"])
@page
@needs(AUDIT)
async def act(request: Any, name: str, act: str) -> HttpResponse:
    return await ROOM.act(request, name, act)
