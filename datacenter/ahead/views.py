"""Datacenter → What if: a page that supposes, and shows anew at every switch. Nothing here touches the cluster."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from cluster.errors import InvalidInput
from datacenter import gateway
from datacenter.ahead.typed import GROUPS, Typed, read
from datacenter.api.permission import AUDIT
from datacenter.live.picture import Picture
from datacenter.membership.topology import supposed
from datacenter.pages import fragment, load_picture, needs, show
from datacenter.session.door import page


@require_GET
@page
@needs(AUDIT)
async def what_if_page(request: Any) -> HttpResponse:
    """The whole page; for the form's own request only what is supposed, with the address that says the same."""
    picture = await load_picture()
    typed = read(request.GET, picture.cluster.nodes)
    context = {"typed": typed, "groups": GROUPS, **await _answer(picture, typed)}
    if request.headers.get("HX-Target") != "supposed":
        return await show(request, "ahead/what_if.html", picture, holds_no_secret=True, **context)
    response = fragment(request, "ahead/_supposed.html", **context)
    query = typed.query()
    response.headers["HX-Replace-Url"] = reverse("what-if") + (f"?{query}" if query else "")
    return response


async def _answer(picture: Picture, typed: Typed) -> dict[str, Any]:
    if not picture.cluster.in_cluster:
        return {}
    try:
        answer = await gateway.call(typed.request())
    except InvalidInput as error:
        return {"problem": " ".join(f"{name}: {reason}." for name, reason in error.fields.items()) or error.message}
    return {"answer": answer, "drawing": supposed(picture.cluster, answer)}
