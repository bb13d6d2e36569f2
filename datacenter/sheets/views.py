"""Shows sheets and acts for them. The views of each page say which sheets there are; everything else is the same.

A refusal goes back beside the fields and takes nothing away; what worked shows the list as it is now, or, where the
answer matters, the answer.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext

from cluster.errors import NotFound, QuireError
from datacenter.api import inside
from datacenter.pages import fragment
from datacenter.sheets import forms
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Act, Field, Sheet, Values


async def shown(request: Any, sheet: Sheet, own: Own, address: str) -> dict[str, Any]:
    """What the list's template uses. `address` names the view that acts."""
    rows = await sheet.rows(request)
    here = [_offered(act, own, {}) for act in sheet.acts]
    there = [
        {
            "values": row,
            "acts": [_offered(act, own, row) for act in sheet.of_row if act.applies(row)],
            "links": [{"label": words, "url": start + str(row[key])} for words, start, key in sheet.links],
        }
        for row in rows
    ]
    return {
        "sheet": sheet, "acts": here, "rows": there, "address": reverse(address, args=[sheet.name]),
        "wide": bool(sheet.of_row or sheet.links), "mark": forms.mark_of(rows),
    }  # fmt: skip


def _offered(act: Act, own: Own, row: Values) -> dict[str, Any]:
    may = act.may(own, row)
    return {"act": act, "may": may, "why": "" if may else act.why, "query": {key: row.get(key, "") for key in act.keys}}


async def dialog(request: Any, sheet: Sheet, act_name: str, address: str, of_user: str = "") -> HttpResponse:
    """GET: the dialog. POST: what it asks for is done. `of_user` is whose things the page is about, if one's."""
    act = sheet.act(act_name)
    if act is None:
        raise NotFound(gettext("There is nothing like that to do here."))
    if request.method == "GET":
        return await _opened(request, sheet, act, address)
    try:
        given = {**forms.read(act, request.POST), **({"userid": of_user} if of_user and "{userid}" in act.path else {})}
        answer = await inside.ask(request, act.method, act.path, given)
    except QuireError as error:
        return fragment(request, "sheets/_errors.html", status=422, error=error)
    if act.leaves:
        return HttpResponse(status=204, headers={"HX-Redirect": act.leaves})
    if template := act.shows(answer):
        return _instead(fragment(request, template, answer=answer, asked=request.POST), act.into, "innerHTML")
    context = await shown(request, sheet, await Own.of(request), address)
    return _instead(fragment(request, "sheets/_changed.html", **context), f"#sheet-{sheet.name}", "outerHTML")


async def _opened(request: Any, sheet: Sheet, act: Act, address: str) -> HttpResponse:
    keys = {key: request.GET.get(key, "") for key in act.keys}
    values: Values = await _row(request, sheet, keys) if keys else {}
    if act.fill is not None:
        values = {**values, **await act.fill(request, values)}
    offered = (
        await sheet.choices(request) if any(isinstance(one.choices, str) or one.suggests for one in act.fields) else {}
    )
    context: dict[str, Any] = {
        "act": act,
        "sheet": sheet,
        "keys": keys,
        "values": values,
        "fields": [_field(one, values, offered) for one in act.fields],
        "confirms": act.confirms,
        "url": f"{reverse(address, args=[sheet.name])}/{act.name}",
    }
    return fragment(request, act.template, **context)


async def _row(request: Any, sheet: Sheet, keys: dict[str, str]) -> Values:
    for row in await sheet.rows(request):
        if all(str(row.get(key)) == value for key, value in keys.items()):
            return row
    raise NotFound(gettext("It is not there any more."))


def _field(field: Field, values: Values, offered: Any) -> dict[str, Any]:
    choices = offered.get(field.choices, ()) if isinstance(field.choices, str) else field.choices
    return {
        "field": field, "value": forms.filled(field, values), "choices": choices,
        "suggested": offered.get(field.suggests, ()),
    }  # fmt: skip


def _instead(response: HttpResponse, target: str, how: str) -> HttpResponse:
    response.headers["HX-Retarget"], response.headers["HX-Reswap"] = target, how
    return response
