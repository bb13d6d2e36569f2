"""The dialog of a link's past between two nodes: a chart of both directions, the same as a table, others to choose."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_GET

from cluster.errors import NotFound
from cluster.model import ClusterState
from datacenter.api import inside
from datacenter.api.permission import AUDIT
from datacenter.membership.latency_chart import chart
from datacenter.membership.words import link_numbers
from datacenter.pages import fragment, load_picture, needs
from datacenter.session.door import page

FRAMES = (("hour", gettext_noop("Hour")), ("day", gettext_noop("Day")))


@require_GET
@page
@needs(AUDIT)
async def link_history(request: Any) -> HttpResponse:
    """What is not said is the first there is."""
    cluster = (await load_picture()).cluster
    asked = _asked(cluster, request.GET)
    found = await inside.ask(request, "GET", "/cluster/config/links/history", asked)
    rows = [{"there": one, "back": other} for one, other in zip(found["there"], found["back"], strict=True)]
    heard = [row for row in rows if any(_is_heard(end) for end in row.values())]
    return fragment(
        request, "membership/_link_history.html", cluster=cluster, asked=asked, frames=FRAMES,
        links=link_numbers(cluster), chart=chart(found["there"], found["back"]), rows=heard[::-1],
    )  # fmt: skip


def _asked(cluster: ClusterState, given: Any) -> dict[str, str]:
    names = [node.name for node in sorted(cluster.nodes, key=lambda node: node.node_id)]
    numbers = link_numbers(cluster)
    if len(names) < 2 or not numbers:
        raise NotFound(gettext("There are no two nodes with a link between them."))
    node = given.get("node") or names[0]
    peer = given.get("peer") or ""
    if peer in ("", node):
        peer = next(name for name in names if name != node)
    return {
        "node": node, "peer": peer, "link": given.get("link") or str(numbers[0]),
        "timeframe": given.get("timeframe") or "hour",
    }  # fmt: skip


def _is_heard(row: dict[str, Any]) -> bool:
    return row["latency_us"] is not None or bool(row["down"])
