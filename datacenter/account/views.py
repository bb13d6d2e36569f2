"""The page of one's own account, and its dialogs."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_GET, require_http_methods

from cluster.errors import NotFound
from datacenter.account.sheets import SHEETS
from datacenter.pages import load_picture, show
from datacenter.session.door import page
from datacenter.sheets import views
from datacenter.sheets.forms import mark_of
from datacenter.sheets.own import Own

ACTS = "account-sheet"


@require_GET
@page
async def account_page(request: Any, name: str = "") -> HttpResponse:
    """Nothing when the page shows that already."""
    if name and name not in SHEETS:
        raise NotFound(gettext("There is no such part of an account."))
    own = await Own.of(request)
    shown = [await views.shown(request, sheet, own, ACTS) for sheet in SHEETS.values()]
    mark = mark_of([one["mark"] for one in shown])
    if request.GET.get("mark") == mark:
        return HttpResponse(status=204)
    context: dict[str, Any] = {"account": True, "title": _("My account"), "sheets": shown, "mark": mark}
    return await show(request, "sheets/page.html", await load_picture(), **context)


@require_http_methods(["GET", "POST"])
@page
async def act(request: Any, name: str, act: str) -> HttpResponse:
    if name not in SHEETS:
        raise NotFound(gettext("There is no such part of an account."))
    return await views.dialog(request, SHEETS[name], act, ACTS, of_user=request.quire_user.username)
