"""The page of the cluster's log. It asks again every two seconds; what it shows already is not sent anew."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_GET

from datacenter.api import inside
from datacenter.pages import load_picture, show
from datacenter.session.door import page
from datacenter.sheets.forms import mark_of

LINES_MAX, WORDS_CHARS_MAX = 500, 200
SEVERITIES = (
    _("Emergency"),
    _("Alert"),
    _("Critical"),
    _("Error"),
    _("Warning"),
    _("Notice"),
    _("Information"),
    _("Debugging"),
)
LEVELS = ("bad", "bad", "bad", "bad", "warning", "plain", "plain", "plain")


@require_GET
@page
async def log_page(request: Any) -> HttpResponse:
    every = await inside.ask(request, "GET", "/cluster/log", {"max": str(LINES_MAX)})
    chosen = {name: request.GET.get(name, "")[:WORDS_CHARS_MAX] for name in ("node", "severity", "words")}
    lines = [
        {**line, "severity": SEVERITIES[line["pri"]], "level": LEVELS[line["pri"]]}
        for line in every
        if _is_asked_for(line, **chosen)
    ]
    mark = mark_of(lines)
    if request.GET.get("mark") == mark:
        return HttpResponse(status=204)
    context: dict[str, Any] = {
        "tab": "log", "lines": lines, "chosen": chosen, "any": bool(every), "mark": mark,
        "nodes": sorted({line["node"] for line in every}),
        "severities": [(str(number), words) for number, words in enumerate(SEVERITIES)],
    }  # fmt: skip
    return await show(request, "log/log.html", await load_picture(), **context)


def _is_asked_for(line: dict[str, Any], node: str, severity: str, words: str) -> bool:
    """`severity` is the least one, as a number from 0 (the worst) to 7."""
    least = int(severity) if severity.isascii() and severity.isdecimal() and len(severity) == 1 else 7
    text = f"{line['msg']} {line['user']} {line['tag']}".lower()
    return node in ("", line["node"]) and line["pri"] <= least and all(word in text for word in words.lower().split())
