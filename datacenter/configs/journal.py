"""What the cluster did not keep, beside the configuration: shown to root@pam, and made again by hand.

The journal is this node's own; other nodes have theirs.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from cluster.control.requests import StoreConflict, StoreConflictRestore, StoreConflicts
from cluster.errors import QuireError
from datacenter import gateway
from datacenter.configs.content import as_text, named
from datacenter.pages import fragment
from datacenter.session.door import page

SHOWN = 20


async def dropped(user: str) -> tuple[dict[str, Any], ...]:
    """Newest first."""
    found = await gateway.call(StoreConflicts(SHOWN, user))
    return tuple({**one, "name": named(one["revision"])} for one in found)


@require_GET
@page
async def conflict(request: Any, conflict_id: str) -> HttpResponse:
    """One of them, with what it would have written, in a dialog."""
    return await _dialog(request, conflict_id)


@require_POST
@page
async def make_again(request: Any, conflict_id: str) -> HttpResponse:
    """Make the change now; the dialog says what came of it."""
    asked = StoreConflictRestore(conflict_id, request.POST.get("request_id") or None, request.quire_user.username)
    asked.door = "page"
    try:
        done = await gateway.call(asked)
    except QuireError as error:
        return await _dialog(request, conflict_id, problem=error.message)
    return await _dialog(request, conflict_id, made=named(done["revision"]))


async def _dialog(request: Any, conflict_id: str, problem: str = "", made: str = "") -> HttpResponse:
    one = await gateway.call(StoreConflict(conflict_id, request.quire_user.username))
    operations = [{**each, "text": as_text(each["data"] or b"")} for each in one["operations"]]
    shown = {**one, "operations": operations}
    return fragment(request, "configs/_conflict.html", one=shown, problem=problem, made=made)
