"""Looking before a node creates or joins, and comparing all nodes: the findings as rows, told as they are found.

The fragment of a check is rendered here first and by `datacenter/live/render.py` from then on. What is looked at is the
daemon's business; the dialogs send what stands in them.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_GET, require_POST

from cluster.control.check_requests import CheckCreate, CheckJoin, CheckMembers, CheckState, RemoveLeftovers
from cluster.control.requests import DecodeInvitation
from cluster.errors import InvalidInput, QuireError
from datacenter import gateway
from datacenter.api.permission import AUDIT, ROOT
from datacenter.membership.forms import read_join, read_links
from datacenter.pages import fragment, needs
from datacenter.session.door import page

FINDINGS = "membership/_findings.html"


@require_POST
@page
@needs(ROOT)
async def check_create(request: Any) -> HttpResponse:
    """What the Create dialog has in it, looked at."""
    problems: dict[str, str] = {}
    links = read_links(request.POST, problems)
    if problems:
        return _wrong(request, problems)
    return await _begin(request, CheckCreate(links=links, user=request.quire_user.username))


@require_POST
@page
@needs(ROOT)
async def check_join(request: Any) -> HttpResponse:
    """What the Join dialog has in it, looked at from both sides."""
    try:
        return await _begin(request, await _asked(request.POST, request.quire_user.username))
    except QuireError as error:
        return fragment(request, "_errors.html", error=error)


async def _asked(form: QueryDict, user: str) -> CheckJoin:
    """Raises InvalidInput."""
    invitation = None
    if form.get("mode") != "manual":
        invitation = await gateway.call(DecodeInvitation(text=form.get("invitation", "").strip()))
    wanted = read_join(form, invitation, user)
    return CheckJoin(
        hostname=wanted.hostname, fingerprint=wanted.fingerprint, password=wanted.password, links=wanted.links,
        token=wanted.token, cluster_uuid=wanted.cluster_uuid, user=user,
    )  # fmt: skip


@require_GET
@page
@needs(AUDIT)
async def compare(request: Any) -> HttpResponse:
    """All nodes compared, in a dialog."""
    begun = await gateway.call(CheckMembers(user=request.quire_user.username))
    check = await gateway.call(CheckState(id=begun["id"]))
    return fragment(request, "membership/_compare.html", check=check)


@require_POST
@page
@needs(ROOT)
async def remove_leftovers(request: Any) -> HttpResponse:
    """What the button beside a finding does; what came of it takes the button's place."""
    try:
        done = await gateway.call(RemoveLeftovers(user=request.quire_user.username))
    except QuireError as error:
        return fragment(request, "_errors.html", error=error)
    return fragment(request, "membership/_leftovers_removed.html", done=done)


async def _begin(request: Any, asked: CheckCreate | CheckJoin) -> HttpResponse:
    try:
        begun = await gateway.call(asked)
        check = await gateway.call(CheckState(id=begun["id"]))
    except QuireError as error:
        return fragment(request, "_errors.html", error=error)
    return fragment(request, FINDINGS, check=check)


def _wrong(request: Any, problems: dict[str, str]) -> HttpResponse:
    error = InvalidInput(next(iter(problems.values())), fields=problems)
    return fragment(request, "_errors.html", error=error)
