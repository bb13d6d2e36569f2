"""Datacenter → Summary, and the newest events on it, which are asked for once the page stands.

Everything else on it is made from the same picture that live updates start from.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from cluster.control.flight_requests import FlightEvents
from datacenter import gateway
from datacenter.api.permission import AUDIT
from datacenter.flight.moments import moments
from datacenter.pages import fragment, load_picture, needs, show
from datacenter.session.door import page

QUIET = ("priv/sessions.cfg",)  # each sign-in writes it; the page of events has them all
ASKED, SHOWN = 90, 8  # several nodes' events of one happening are one row


@require_GET
@page
@needs(AUDIT)
async def summary_page(request: Any) -> HttpResponse:
    return await show(request, "summary/summary.html", await load_picture(), holds_no_secret=True)


@require_GET
@page
@needs(AUDIT)
async def newest(request: Any) -> HttpResponse:
    found = await gateway.call(FlightEvents(limit=ASKED, user=request.quire_user.username))
    rows = [row for row in moments(found["events"], found["nodes"]) if row.first["about"] not in QUIET][:SHOWN]
    return fragment(request, "summary/_events.html", rows=rows, asked=True)
