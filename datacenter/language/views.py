"""Choosing the language of the pages: a cookie of this browser, and the page again in that language."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from cluster.errors import InvalidInput
from datacenter.access.sign_in import local_path


@require_POST
async def choose(request: Any) -> HttpResponse:
    """From the menu of a page, or from the sign-in form, which works without a script."""
    code = request.POST.get("language", "")
    if code not in dict(settings.LANGUAGES):
        raise InvalidInput("There are no pages in this language.")
    response: HttpResponse
    if request.htmx:
        response = HttpResponse(status=204, headers={"HX-Refresh": "true"})
    else:
        response = HttpResponseRedirect(local_path(request.POST.get("next", "/")))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME, code, max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=request.is_secure(), httponly=True, samesite="Strict",
    )  # fmt: skip
    return response
