"""Gives every request its language: the one chosen in the menu, else the first the browser asks for that there is.

The API and what nodes say to each other stay English, for programs read them. How a choice is made is `views.py`;
pushed fragments come in the language their page says it is in (`datacenter/live/consumers.py`).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

FOR_PROGRAMS = ("/api2/", "/peer/")


class LanguageMiddleware(LocaleMiddleware):
    """Django's own, without its detour through a thread."""

    async def __acall__(self, request: Any) -> HttpResponseBase:
        if request.path.startswith(FOR_PROGRAMS):
            translation.activate(settings.LANGUAGE_CODE)
            return await self.get_response(request)  # type: ignore[misc]
        self.process_request(request)
        response = await self.get_response(request)  # type: ignore[misc]
        return self.process_response(request, response)


def known(code: str) -> str:
    """`code` if pages exist in it, else English."""
    return code if code in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def language_of(request: HttpRequest) -> str:
    return known(getattr(request, "LANGUAGE_CODE", settings.LANGUAGE_CODE))
