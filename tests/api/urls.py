"""Addresses for these tests: the API and the nodes' door, without the pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


async def change(request: HttpRequest) -> HttpResponse:
    """Stands for any view of a page that changes something."""
    return HttpResponse("changed")


async def who(request: Any) -> HttpResponse:
    return HttpResponse(request.quire_user.username if request.quire_user else "nobody")


urlpatterns = [
    path("api2/", include("datacenter.api.urls")),
    path("peer/", include("datacenter.peers.urls")),
    path("change", change),
    path("who", who),
]
