"""The command palette and the list of keys, fetched once the page stands: no first view waits for them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from datacenter.pages import fragment
from datacenter.session.door import page
from datacenter.tabs import tabs


@require_GET
@page
async def palette(request: Any) -> HttpResponse:
    return fragment(request, "shell/_palette.html", tabs=await tabs(request))
