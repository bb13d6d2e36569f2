"""A tab made of sheets: which there are, the page of each, and their dialogs. One way for every such tab.

Which sheets are in a tab, and who may look at it, is said in the room of that page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext

from cluster.errors import NotFound
from datacenter.pages import load_picture, show
from datacenter.sheets import views
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Sheet

SEEN_AT_ONCE = 20  # rows; above a longer list there is a box to find some


@dataclass(frozen=True, slots=True)
class Room:
    """`address` names the view of one of its sheets; `about` is what the page is told changes of (`live/render.py`)."""

    tab: str
    label: str
    address: str
    sheets: Mapping[str, Sheet]
    about: str = "@config"

    def sheet(self, name: str) -> Sheet:
        """Raises NotFound."""
        if name not in self.sheets:
            raise NotFound(gettext("There is no such page."))
        return self.sheets[name]

    async def page(self, request: Any, name: str) -> HttpResponse:
        """Nothing when the page shows that already."""
        sheet = self.sheet(name)
        one = await views.shown(request, sheet, await Own.of(request), self.address)
        if request.GET.get("mark") == one["mark"]:
            return HttpResponse(status=204)
        context = {**self.context(name), "title": sheet.title, "sheets": [one], "mark": one["mark"]}
        context["long"] = len(one["rows"]) > SEEN_AT_ONCE
        return await show(request, "sheets/page.html", await load_picture(), **context)

    async def act(self, request: Any, name: str, act: str) -> HttpResponse:
        return await views.dialog(request, self.sheet(name), act, self.address)

    def context(self, name: str) -> dict[str, Any]:
        """What the tabs of a page need; `name` is the sheet it shows."""
        return {"tab": self.tab, "room": self, "subtab": name}
