"""The cluster's witness in the browser: the dialogs to set it up and remove it.

What may be is the daemon's to say; the work itself is a task, whose window takes the dialog's place. How the witness
stands is put in words by `witness_words.py`.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from cluster.control.witness_requests import RemoveWitness, SetUpWitness
from cluster.errors import InvalidInput, QuireError
from datacenter import gateway
from datacenter.api.permission import ROOT
from datacenter.pages import fragment, load_picture, needs
from datacenter.session.door import page
from datacenter.tasks.views import task_window

LINE_CHARS_MAX = 2000


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def set_up(request: Any) -> HttpResponse:
    """The dialog, and what it sends."""
    cluster = (await load_picture()).cluster
    if request.method == "GET":
        return fragment(request, "membership/_set_up_witness.html", cluster=cluster, odd=len(cluster.nodes) % 2)
    try:
        line = request.POST.get("invitation", "").strip()
        if not line or len(line) > LINE_CHARS_MAX:
            sentence = gettext("Paste the line that the program on the witness printed.")
            raise InvalidInput(sentence, fields={"invitation": sentence})
        force, user = request.POST.get("force") == "1", request.quire_user.username
        begun = await gateway.call(SetUpWitness(invitation=line, force=force, user=user))
    except QuireError as error:
        return fragment(request, "_errors.html", status=422, error=error)
    return await task_window(request, begun["upid"], replaces_dialog=True)


@require_http_methods(["GET", "POST"])
@page
@needs(ROOT)
async def remove(request: Any) -> HttpResponse:
    """As `set_up`; the witness's host is typed to confirm."""
    cluster = (await load_picture()).cluster
    host = cluster.witness.host if cluster.witness is not None else ""
    if request.method == "GET":
        return fragment(request, "membership/_remove_witness.html", cluster=cluster, host=host)
    try:
        if request.POST.get("confirm", "").strip() != host:
            sentence = gettext("Type {host} to confirm.").format(host=host)
            raise InvalidInput(sentence, fields={"confirm": sentence})
        begun = await gateway.call(RemoveWitness(user=request.quire_user.username))
    except QuireError as error:
        return fragment(request, "_errors.html", status=422, error=error)
    return await task_window(request, begun["upid"], replaces_dialog=True)
