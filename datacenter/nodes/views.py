"""A node's page: what is known of it, and how it does."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from cluster.errors import NotFound
from datacenter.api.permission import perm
from datacenter.pages import load_picture, needs, show
from datacenter.session.door import page


@require_GET
@page
@needs(perm("/nodes/{name}", "Sys.Audit"))
async def node_page(request: Any, name: str) -> HttpResponse:
    picture = await load_picture()
    node = picture.cluster.node(name)
    if node is None:
        raise NotFound(f"There is no node {name[:63]} in this cluster.")
    return await show(request, "nodes/summary.html", picture, node=node)
