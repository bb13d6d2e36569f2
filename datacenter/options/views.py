"""The page of options, and the dialog of each."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from datacenter.api.permission import AUDIT
from datacenter.options.sheet import SHEET
from datacenter.pages import needs
from datacenter.session.door import page
from datacenter.sheets.room import Room

ROOM = Room("options", "Options", "options-sheet", {SHEET.name: SHEET})


@require_GET
@page
@needs(AUDIT)
async def options_page(request: Any, name: str = SHEET.name) -> HttpResponse:
    return await ROOM.page(request, name)


@require_http_methods(["GET", "POST"])
@page
@needs(AUDIT)
async def act(request: Any, name: str, act: str) -> HttpResponse:
    return await ROOM.act(request, name, act)
