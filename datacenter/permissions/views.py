"""The pages below Datacenter → Permissions: one for each sheet, and what somebody may."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from datacenter.pages import load_picture, show
from datacenter.permissions import people, realms, rights, ways_in
from datacenter.session.door import page
from datacenter.sheets.forms import mark_of
from datacenter.sheets.room import Room

SHEETS = {
    sheet.name: sheet
    for sheet in (
        people.USERS, people.GROUPS_SHEET, rights.ROLES, rights.LISTS, ways_in.TOKENS, realms.REALMS, ways_in.FACTORS,
    )
}  # fmt: skip
ROOM = Room("permissions", "Permissions", "permissions-sheet", SHEETS)


@require_GET
@page
async def sheet_page(request: Any, name: str = "users") -> HttpResponse:
    return await ROOM.page(request, name)


@require_http_methods(["GET", "POST"])
@page
async def act(request: Any, name: str, act: str) -> HttpResponse:
    return await ROOM.act(request, name, act)


@require_GET
@page
async def rights_page(request: Any) -> HttpResponse:
    """What a user or token may, by path, and why."""
    user = request.GET.get("userid", "") or request.quire_user.username
    found = await rights.reasons(request, user)
    mark = mark_of(found)
    if request.GET.get("mark") == mark:
        return HttpResponse(status=204)
    context = {**ROOM.context(""), "about": user, "paths": found, "mark": mark}
    return await show(request, "permissions/rights.html", await load_picture(), **context)
