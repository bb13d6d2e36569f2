"""Every address of the site. Pages and fragments here; the API's own are in `datacenter/api/urls.py`."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("api2/", include("datacenter.api.urls")),
]
