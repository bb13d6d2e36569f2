"""What a page shows instead of itself when something is wrong: one sentence, and what to do.

Errors of the tree in `cluster/errors.py` keep their status and words. Anything else is logged in full and told as a
number to ask by, so that nothing from inside reaches a stranger.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext

from cluster.errors import QuireError, Unavailable

logger = logging.getLogger(__name__)


class ProblemMiddleware:
    """Turns what a view raises into a page, or for htmx into a fragment."""

    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponse:
        return await self.get_response(request)

    async def process_exception(self, request: Any, error: Exception) -> HttpResponse | None:
        if not isinstance(error, QuireError):
            return None
        return problem(request, error.http_status, _headline(error), error.message)


def problem(request: Any, status: int, headline: str, sentence: str) -> HttpResponse:
    template = "_problem.html" if getattr(request, "htmx", False) else "problem.html"
    return render(request, template, {"headline": headline, "sentence": sentence, "status": status}, status=status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem(
        request, 404, gettext("There is nothing here"), gettext("The address is wrong, or what it named is gone.")
    )


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem(request, 400, gettext("This request is not understood"), gettext("Reload the page and try again."))


def broken(request: HttpRequest) -> HttpResponse:
    """Django has logged the exception; the number finds it there."""
    number = secrets.token_hex(4)
    logger.error("a page failed; its reader was told the number %s", number)
    sentence = gettext("The reason is in this node's log, under the number {number}.").format(number=number)
    return problem(request, 500, gettext("This page could not be made"), sentence)


def _headline(error: QuireError) -> str:
    if isinstance(error, Unavailable):
        return gettext("This node's service does not answer")
    return {
        401: gettext("Sign in first"),
        403: gettext("This is not allowed"),
        404: gettext("There is nothing here"),
    }.get(error.http_status, gettext("This did not work"))
