"""Datacenter → Events: the time line, what is chosen of it, and the same as a file.

The daemon asks the other nodes, finds the causes, and decides who may look.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_GET

from cluster.control.flight_requests import FlightEvents
from cluster.errors import InvalidInput
from datacenter import gateway
from datacenter.api.permission import AUDIT
from datacenter.flight.moments import moments
from datacenter.pages import fragment, load_picture, needs, show
from datacenter.session.door import page

SHOWN, IN_A_FILE = 300, 4000
KINDS = (
    ("membership", _("Membership")), ("quorum", _("Quorum")), ("link", _("Links")), ("store", _("Store")), ("lock",
    _("Locks")),
    ("config", _("Configuration")), ("task", _("Tasks")), ("node", _("Services")), ("alert", _("Alerts")),
)  # fmt: skip
FILES = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
FIELDS = ("kind", "node", "since", "until")


@require_GET
@page
@needs(AUDIT)
async def events_page(request: Any) -> HttpResponse:
    return await show(
        request, "flight/events.html", await load_picture(), holds_no_secret=True, **await _context(request)
    )


@require_GET
@page
@needs(AUDIT)
async def shown(request: Any) -> HttpResponse:
    """The rows anew, for what is chosen; the page's address says what that is."""
    response = fragment(request, "flight/_shown.html", **await _context(request))
    if "pushed" not in request.GET:
        query = _query(request)
        response.headers["HX-Push-Url"] = request.path.removesuffix("/shown") + (f"?{query}" if query else "")
    return response


@require_GET
@page
@needs(AUDIT)
async def export(request: Any, form: str) -> HttpResponse:
    """What is chosen, as a file."""
    if form not in FILES:
        raise InvalidInput(gettext("Events come as json or as csv."))
    found = await gateway.call(_asked(request, IN_A_FILE, form))
    response = HttpResponse(found["text"], content_type=FILES[form])
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    response.headers["Content-Disposition"] = f'attachment; filename="events-{stamp}.{form}"'
    response.headers["Cache-Control"] = "no-store"
    return response


async def _context(request: Any) -> dict[str, Any]:
    found = await gateway.call(_asked(request, SHOWN))
    nodes = found["nodes"]
    return {
        "rows": moments(found["events"], nodes),
        "views": nodes,
        "partings": found["partings"],
        "away": [node for node in nodes if not node["known"]],
        "kinds": KINDS,
        "chosen": {name: request.GET.get(name, "")[:64] for name in FIELDS},
        "query": _query(request),
        "filtered": bool(_query(request)),
        "more": len(found["events"]) == SHOWN,
    }


def _query(request: Any) -> str:
    return urlencode({name: request.GET[name][:64] for name in FIELDS if request.GET.get(name)})


def _asked(request: Any, limit: int, form: str = "") -> FlightEvents:
    chosen = {name: request.GET.get(name, "")[:64] for name in FIELDS}
    return FlightEvents(
        kinds=[chosen["kind"]] if chosen["kind"] else [],
        nodes=[chosen["node"]] if chosen["node"] else [],
        since_s=_moment(chosen["since"]),
        until_s=_moment(chosen["until"]),
        limit=limit,
        form=form,
        user=request.quire_user.username,
    )


def _moment(text: str) -> float | None:
    """What a field for a moment in UTC was given. Raises InvalidInput."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise InvalidInput(gettext("{text} is not a moment.").format(text=text)) from None
