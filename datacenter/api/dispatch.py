"""A request's way through the API: find the endpoint, know who asks, check, read the parameters, ask, answer.

Every refusal is an envelope except one: without a valid ticket or token the answer is an empty 401, before anything is
said about what there is. Knows no endpoint by name.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from typing import Any

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

from cluster.errors import QuireError
from datacenter.access import tickets
from datacenter.access.middleware import CSRF_HEADER, is_from_our_page
from datacenter.api import absent, envelope, forward, parameters
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Listed
from datacenter.api.permission import PUBLIC, require
from datacenter.api.table import ENDPOINTS

WHO_MAY = "/access/"

logger = logging.getLogger(__name__)


@csrf_exempt  # checked here, once it is known whether the endpoint needs it
async def dispatch(request: Any, form: str, path: str = "") -> HttpResponse:
    if form not in envelope.FORMATS:
        return envelope.refusal("json", 501, f"there is no format {form!r}")
    segments = [segment for segment in path.split("/") if segment]
    found = find(request.method, segments)
    if found is None or found[0].permission != PUBLIC:
        try:
            refused = await _refuse_strangers(request)
        except QuireError as error:
            return envelope.failure(form, error)
        if refused is not None:
            return refused
    if found is None:
        return _missing(form, request.method, segments)
    return await _answer(request, form, *found)


def find(method: str, segments: list[str]) -> tuple[Endpoint, dict[str, str]] | None:
    for endpoint in ENDPOINTS:
        if endpoint.method == method and (in_path := endpoint.match(segments)) is not None:
            return endpoint, in_path
    return None


def _missing(form: str, method: str, segments: list[str]) -> HttpResponse:
    """501 with the reason for what this product has not, 404 for what nobody has."""
    asked = f"'{method} /{'/'.join(segments)}'"
    why = absent.reason(method, segments)
    if why is not None:
        return envelope.refusal(form, 501, f"Method {asked} not implemented: {why}")
    if method not in ("GET", "POST", "PUT", "DELETE") or any(each.match(segments) is not None for each in ENDPOINTS):
        return envelope.refusal(form, 501, f"Method {asked} not implemented")
    return envelope.refusal(form, 404, f"Path '/{'/'.join(segments)}' does not exist")


async def _refuse_strangers(request: Any) -> HttpResponse | None:
    if request.quire_problem is not None:
        raise request.quire_problem
    if request.quire_user is None:
        return envelope.not_signed_in("No ticket")
    if request.method != "GET" and not await is_from_our_page(request, request.headers.get(CSRF_HEADER, "")):
        return envelope.not_signed_in("Permission denied - invalid csrf token")
    return None


async def _answer(request: Any, form: str, endpoint: Endpoint, in_path: dict[str, str]) -> HttpResponse:
    call = Call.of(request)
    try:
        elsewhere = await forward.resolve(in_path) if endpoint.path.startswith("/nodes/{node}") else False
        await require(call, endpoint.permission.at(in_path))
        if elsewhere and endpoint.on_node:
            return await forward.to_node(request, form, endpoint, in_path)
        wanted = parameters.read(endpoint.parameters, parameters.given(request, in_path))
        result = await endpoint.handler(call, wanted)
        if endpoint.method != "GET" and endpoint.path.startswith(WHO_MAY) and endpoint.permission != PUBLIC:
            tickets.forget_all()  # who has just given a right or a token uses it with the next call
    except QuireError as error:
        return envelope.failure(form, error)
    except parameters.WrongBody as error:
        return envelope.refusal(form, error.status, error.reason)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        # Where and what kind, not the error's own text: that may hold what was asked, a password say.
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.error("%s %s failed: %s\n%s", endpoint.method, endpoint.path, type(error).__name__, where)
        return envelope.refusal(form, 500, "an internal error; the node's log has the details")
    if isinstance(result, Listed):
        return envelope.success(form, result.rows, result.total, endpoint.secret)
    return envelope.success(form, result, None, endpoint.secret)
