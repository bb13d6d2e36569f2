"""Datacenter → Config: browse, view, edit with a check and a look at the difference, history, restore.

Looking takes Sys.Audit on everything. The daemon decides who may see and change what; the user is passed on with every
request.
"""

from __future__ import annotations

import errno
import re
import uuid
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from cluster.control.requests import (
    StoreCheck,
    StoreDiff,
    StoreHistory,
    StoreList,
    StoreRead,
    StoreRestore,
    StoreWrite,
)
from cluster.errors import InvalidInput, NotFound, OutcomeUnknown, QuireError, StoreRefusal, Unavailable
from datacenter import gateway
from datacenter.api.permission import AUDIT
from datacenter.configs import journal
from datacenter.configs.content import (
    EDIT_BYTES_MAX,
    Shown,
    as_text,
    clean,
    diff_lines,
    difference,
    digest_of,
    history_of,
    typed,
)
from datacenter.pages import fragment, load_picture, needs, show
from datacenter.session.door import page

HISTORY_SHOWN, HISTORY_MORE = 15, 200
PATH_CHARS_MAX = 4096
ROOT = "root@pam"
REQUEST_ID = re.compile(r"[0-9a-f]{32}(-[0-9]{1,20}\.[0-9]{1,20})?")


@require_GET
@page
@needs(AUDIT)
async def config_page(request: Any) -> HttpResponse:
    context = await _context(request, _path(request.GET))
    return await show(request, "configs/config.html", await load_picture(), **context)


@require_GET
@page
@needs(AUDIT)
async def shown(request: Any) -> HttpResponse:
    """What the page shows, anew; nothing when it shows that already."""
    context = await _context(request, _path(request.GET))
    if context["shown"].mark == request.GET.get("mark"):
        return HttpResponse(status=204)
    return fragment(request, "configs/_shown.html", **context)


@require_GET
@page
@needs(AUDIT)
async def edit(request: Any) -> HttpResponse:
    """The dialog to edit a file, or with no name yet to make one."""
    path = _path(request.GET)
    if "new" in request.GET:
        return fragment(request, "configs/_edit.html", path=f"{path}/" if path else "", is_new=True, digest="", text="")
    found = await _shown(request, path)
    if found.kind != "file" or found.why_not_editable:
        raise InvalidInput(
            gettext("{path} cannot be edited here. {why_not_editable}").format(
                path=path, why_not_editable=found.why_not_editable
            )
        )
    return fragment(request, "configs/_edit.html", path=path, is_new=False, digest=found.digest, text=found.text)


@require_POST
@page
@needs(AUDIT)
async def review(request: Any) -> HttpResponse:
    """What was typed: what is wrong with it, or what it changes."""
    return await _review(request)


@require_POST
@page
@needs(AUDIT)
async def save(request: Any) -> HttpResponse:
    """Write what was reviewed, unless the file is another by now: then both are shown, and what was typed stays."""
    path, data, user = _path(request.POST), typed(request.POST.get("text", "")), request.quire_user.username
    if request.POST.get("reviewed") != digest_of(data):
        return await _review(request)
    expected = request.POST.get("over", request.POST.get("digest", ""))
    try:
        await gateway.call(
            StoreWrite(path, data, expected, _request_id(request.POST), user=user, door="page", check=True)
        )
    except StoreRefusal as refusal:
        if refusal.errno == errno.ESTALE:
            return await _review(request)
        return fragment(request, "configs/_review.html", problem=refusal.message)
    except (OutcomeUnknown, Unavailable) as error:  # Save asks for the same change again, which is then made once
        again = {"again": request.POST, "reviewed": digest_of(data), "request_id": _request_id(request.POST)}
        return fragment(request, "configs/_review.html", problem=error.message, **again)
    except QuireError as error:
        return fragment(request, "configs/_review.html", problem=error.message)
    response = fragment(request, "configs/_saved.html", **await _context(request, path))
    response.headers["HX-Retarget"] = "#config-shown"
    response.headers["HX-Reswap"] = "outerHTML"
    response.headers["HX-Push-Url"] = f"{request.path.removesuffix('/save')}?{urlencode({'path': path})}"
    return response


@require_GET
@page
@needs(AUDIT)
async def change(request: Any) -> HttpResponse:
    """What one change did to a file, in a dialog."""
    path, revision = _path(request.GET), request.GET.get("revision", "")[:64]
    found = await gateway.call(StoreDiff(path, newer=revision, user=request.quire_user.username))
    context = {"path": path, "revision": revision, "binary": found["binary"], "lines": diff_lines(found["lines"])}
    return fragment(request, "configs/_change.html", **context)


@require_POST
@page
@needs(AUDIT)
async def restore(request: Any) -> HttpResponse:
    """Bring a file or folder back to what it was; a file only if it still is what the page shows."""
    path, user = _path(request.POST), request.quire_user.username
    named = _request_id(request.POST)
    asked = StoreRestore(path, request.POST.get("revision", "")[:64], request_id=named, user=user, door="page")
    if "digest" in request.POST:
        asked.digest = request.POST["digest"]
    await gateway.call(asked)
    return fragment(request, "configs/_shown.html", **await _context(request, path))


# --- asking the daemon ------------------------------------------------------------------------------------------------


async def _context(request: Any, path: str) -> dict[str, Any]:
    found = await _shown(request, path, HISTORY_MORE if "all" in request.GET else HISTORY_SHOWN)
    user = request.quire_user.username
    beside = await journal.dropped(user) if not path and user == ROOT else ()
    return {"shown": found, "may_change": user == ROOT, "dropped": beside, "request_id": uuid.uuid4().hex}


async def _shown(request: Any, path: str, limit: int = 1) -> Shown:
    user = request.quire_user.username
    told = await gateway.call(StoreHistory(path, limit=limit, user=user))
    history = {"history": history_of(told), "more": told["more"]}
    folder = path.rpartition("/")[0]
    beside = await _entries(folder, user)
    kind = next((one["type"] for one in beside if one["name"] == path.rpartition("/")[2]), "absent") if path else "dir"
    if kind == "dir":
        return Shown(path, kind, path, await _entries(path, user) if path else beside, **history)
    if kind == "file":
        try:
            read = await gateway.call(StoreRead(path, user=user))
        except NotFound:
            kind = "absent"  # removed a moment ago
        else:
            kept = {"data": read["data"], "digest": read["digest"], "mtime_s": read["mtime_s"]}
            return Shown(path, kind, folder, beside, **kept, **history)
    if not history["history"]:
        raise NotFound(gettext("There is no {path} in the configuration.").format(path=path))
    return Shown(path, kind, folder, beside, **history)


async def _entries(folder: str, user: str) -> tuple[dict[str, Any], ...]:
    """Folders first. A folder that is gone is empty."""
    try:
        found = await gateway.call(StoreList(folder, user=user))
    except NotFound:
        return ()
    named = ({**one, "path": f"{folder}/{one['name']}".lstrip("/")} for one in found)
    return tuple(sorted(named, key=lambda one: (one["type"] != "dir", one["name"])))


async def _review(request: Any) -> HttpResponse:
    path, text, user = _path(request.POST), request.POST.get("text", ""), request.quire_user.username
    data = typed(text)
    if not path or path.endswith("/") or len(data) > EDIT_BYTES_MAX:
        sentence = (
            gettext("Give the file a name.")
            if not path
            else gettext("A form carries {limit} KiB at most.").format(limit=EDIT_BYTES_MAX >> 10)
        )
        return fragment(request, "configs/_review.html", problem=sentence)
    try:
        now: Any = await gateway.call(StoreRead(path, user=user))
    except NotFound:
        now = {"data": b"", "digest": ""}
    except QuireError as error:
        return fragment(request, "configs/_review.html", problem=error.message)
    found = await gateway.call(StoreCheck(path, data, user=user))
    context: dict[str, Any] = {
        "errors": found["errors"], "warnings": found["warnings"], "grammar": found["grammar"],
        "lines": difference(now["data"], data), "reviewed": digest_of(data), "now": now,
        "same": now["data"] == data and bool(now["digest"]), "request_id": uuid.uuid4().hex,
    }  # fmt: skip
    known = [request.POST.get("digest", ""), *request.POST.getlist("over")]
    if now["digest"] not in known:
        context["others"] = True
        newest = history_of(await gateway.call(StoreHistory(path, limit=1, user=user)))
        context["newest"] = newest[0] if newest else None
        context["theirs"] = as_text(now["data"]) or ""
    if now["digest"] != request.POST.get("digest", ""):
        context["over"] = now["digest"]
    return fragment(request, "configs/_review.html", **context)


def _request_id(form: Any) -> str | None:
    """The name of the change, given to the form when it was rendered: sent twice, it is made once."""
    named = str(form.get("request-id", ""))
    return named if REQUEST_ID.fullmatch(named) else None


def _path(form: Any) -> str:
    return clean(form.get("path", "")[:PATH_CHARS_MAX])
