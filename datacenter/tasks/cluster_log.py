"""The cluster log at the foot of every page: what happened lately on any node, as much of it as the visitor may see.

A page that shows it is told when there is more (`live/_log_mark.html`) and asks for it again.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_GET

from datacenter.api import inside
from datacenter.pages import fragment
from datacenter.session.door import page

ROWS_MAX = 100
PROBLEM, WARNING = 3, 4  # syslog's priorities; greater numbers weigh less


@require_GET
@page
async def cluster_log(request: Any) -> HttpResponse:
    rows = await inside.ask(request, "GET", "/cluster/log", {"max": str(ROWS_MAX)})
    return fragment(request, "tasks/_cluster_log.html", rows=[row | _level(row["pri"]) for row in rows])


def _level(priority: int) -> dict[str, str]:
    if priority <= PROBLEM:
        return {"level": "bad", "word": _("Problem")}
    return {"level": "warning", "word": _("Warning")} if priority == WARNING else {"level": "plain", "word": ""}
