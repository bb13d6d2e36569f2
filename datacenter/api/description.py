"""The API described over HTTP: OpenAPI for programs, for whoever is signed in. What it is made of is `openapi.py`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from cluster.control.requests import Version
from cluster.errors import QuireError
from datacenter import gateway
from datacenter.api import envelope
from datacenter.api.openapi import document
from datacenter.api.table import ENDPOINTS


async def openapi(request: Any) -> HttpResponse:
    if request.quire_user is None:
        return envelope.not_signed_in("No ticket")
    if request.method != "GET":
        return HttpResponse(status=405, headers={"Allow": "GET"})
    try:
        known = await gateway.call(Version())
    except QuireError as error:
        return envelope.failure("json", error)
    return HttpResponse(document(ENDPOINTS, known["quire_version"]), content_type="application/json")
