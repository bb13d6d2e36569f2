"""A node's pages: what is known of it and how it does, and what it tells of its host on the tabs beside."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from django.views.decorators.http import require_GET

from cluster.errors import NotFound, QuireError
from datacenter.api import inside
from datacenter.api.permission import perm
from datacenter.nodes.tabs import TABS, NodeTab, listed, named
from datacenter.pages import fragment, load_picture, needs, show
from datacenter.session.door import page

FRAMES = (_("hour"), _("day"), _("week"), _("month"), _("year"))
CHARTS = (
    ("cpu", "CPU"), ("load", _("Load")), ("memory", _("Memory")), ("swap", _("Swap")), ("network", _("Network")),
    ("disk", _("Root disk")), ("pressure", _("Pressure: share of time something waited")),
)  # fmt: skip


@require_GET
@page
@needs(perm("/nodes/{name}", "Sys.Audit"))
async def node_page(request: Any, name: str) -> HttpResponse:
    picture = await load_picture()
    node = picture.cluster.node(name)
    if node is None:
        raise NotFound(gettext("There is no node {name} in this cluster.").format(name=name[:63]))
    more: dict[str, Any] = {"node_tabs": TABS, "frames": FRAMES, "charts": CHARTS}
    return await show(request, "nodes/summary.html", picture, holds_no_secret=True, node=node, **more)


@require_GET
@page
@needs(perm("/nodes/{name}", "Sys.Audit"))
async def node_tab(request: Any, name: str, tab: str) -> HttpResponse:
    """What the node itself says; a node that cannot be asked is said so in its place."""
    picture, shown = await load_picture(), named(tab)
    node = picture.cluster.node(name)
    if node is None or shown is None:
        raise NotFound(gettext("There is no page {tab} of a node {name} here.").format(tab=tab[:63], name=name[:63]))
    context: dict[str, Any] = {"node": node, "node_tabs": TABS, "shown_tab": shown, "now_s": time.time()}
    context |= await _asked(request, shown, name)
    if request.GET.get("part"):
        return fragment(request, "nodes/_tab_content.html", **context)
    return await show(request, "nodes/tab.html", picture, **context)


async def _asked(request: Any, tab: NodeTab, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"problem": "", "lines": None, "rows": []}
    try:
        answer = await inside.ask(request, "GET", f"/nodes/{{node}}/{tab.path}", {"node": name, **tab.given})
    except QuireError as error:
        return found | {"problem": error.message}
    plain = msgspec.to_builtins(answer)
    return found | ({"rows": listed(tab, plain)} if tab.columns else {"lines": plain or None})
