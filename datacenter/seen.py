"""Keeps what one session reads from ever going back, whichever node it asks, and lets it ask for the newest.

A *point* (cluster/node/reading.py) is how far a node's state reached. Every answer carries one, in a header, and
a page's in a cookie; what a session brings back with its next request, the node asked waits for, a second
at most. `?consistent=1` on a read of the API waits until everything acknowledged by any node is here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext

from cluster.control.requests import StorePoint
from cluster.errors import QuireError
from datacenter import gateway
from datacenter.api import envelope
from datacenter.problems import problem

HEADER = "Quire-Point"
COOKIE = "__Host-QuirePoint"
POINT_CHARS_MAX = 64
API, CONFIG = "/api2/", "/datacenter/config"
RETRY_AFTER_S = "1"


class SeenMiddleware:
    """Concerns what reads or writes the store, for somebody who is signed in."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: Any) -> HttpResponse:
        if request.quire_user is None or not request.path.startswith((API, CONFIG)):
            return await self.get_response(request)
        try:
            wanted = self._wanted(request)
            if wanted.seen or wanted.consistent:
                await gateway.call(wanted)
        except QuireError as error:
            return self._not_yet(request, error)
        response = await self.get_response(request)
        if response.status_code >= 400:
            return response
        try:
            told = await gateway.call(StorePoint())
        except QuireError:
            return response  # the answer stands; the session's point stays what it was
        response.headers[HEADER] = told["point"]
        if request.path.startswith(CONFIG):  # in the API's answers a cookie makes some clients lose their ticket's
            response.set_cookie(COOKIE, told["point"], secure=True, httponly=True, samesite="Strict")
        return response

    def _wanted(self, request: Any) -> StorePoint:
        seen = request.headers.get(HEADER) or request.COOKIES.get(COOKIE, "")
        is_read = request.method == "GET" and request.path.startswith(API)
        return StorePoint(seen[:POINT_CHARS_MAX], is_read and request.GET.get("consistent") == "1")

    def _not_yet(self, request: Any, error: QuireError) -> HttpResponse:
        if request.path.startswith(API):
            form = request.path.removeprefix(API).partition("/")[0]
            response = envelope.refusal(form if form in envelope.FORMATS else "json", error.http_status, error.message)
        else:
            response = problem(request, error.http_status, gettext("This node is behind"), error.message)
        response.headers["Retry-After"] = RETRY_AFTER_S
        return response
