"""The API's addresses: a format and a path, and the description of them all. Which paths there are is `table.py`."""

from __future__ import annotations

from django.urls import path, re_path

from datacenter.api.description import openapi
from datacenter.api.dispatch import dispatch

urlpatterns = [
    path("openapi.json", openapi, name="openapi"),
    re_path(r"^(?P<form>[^/]*)(?:/(?P<path>[\s\S]*))?\Z", dispatch),
]
