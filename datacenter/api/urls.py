"""The API's addresses: a format and a path. Which paths there are is `table.py`."""

from __future__ import annotations

from django.urls import re_path

from datacenter.api.dispatch import dispatch

urlpatterns = [re_path(r"^(?P<form>[^/]*)(?:/(?P<path>[\s\S]*))?\Z", dispatch)]
