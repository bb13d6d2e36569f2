"""The pages below Datacenter → Permissions: one for each sheet, and what somebody may."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_http_methods

from cluster.errors import NotFound
from datacenter.pages import load_picture, show
from datacenter.permissions import people, realms, rights, ways_in
from datacenter.session.door import page
from datacenter.sheets import views
from datacenter.sheets.forms import mark_of
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Sheet

SHEETS = {
    sheet.name: sheet
    for sheet in (
        people.USERS, people.GROUPS_SHEET, rights.ROLES, rights.LISTS, ways_in.TOKENS, realms.REALMS, ways_in.FACTORS,
    )
}  # fmt: skip
ACTS = "permissions-sheet"


def _sheet(name: str) -> Sheet:
    if name not in SHEETS:
        raise NotFound(gettext("There is no such page of permissions."))
    return SHEETS[name]


@require_GET
@page
async def sheet_page(request: Any, name: str = "users") -> HttpResponse:
    """Nothing when the page shows that already."""
    sheet = _sheet(name)
    one = await views.shown(request, sheet, await Own.of(request), ACTS)
    if request.GET.get("mark") == one["mark"]:
        return HttpResponse(status=204)
    context: dict[str, Any] = {"tab": "permissions", "subtabs": SHEETS.values(), "subtab": name, "title": sheet.title}
    return await show(request, "sheets/page.html", await load_picture(), sheets=[one], mark=one["mark"], **context)


@require_http_methods(["GET", "POST"])
@page
async def act(request: Any, name: str, act: str) -> HttpResponse:
    return await views.dialog(request, _sheet(name), act, ACTS)


@require_GET
@page
async def rights_page(request: Any) -> HttpResponse:
    """What a user or token may, by path, and why."""
    user = request.GET.get("userid", "") or request.quire_user.username
    found = await rights.reasons(request, user)
    mark = mark_of(found)
    if request.GET.get("mark") == mark:
        return HttpResponse(status=204)
    context: dict[str, Any] = {
        "tab": "permissions",
        "subtabs": SHEETS.values(),
        "subtab": "",
        "about": user,
        "paths": found,
    }
    return await show(request, "permissions/rights.html", await load_picture(), mark=mark, **context)
