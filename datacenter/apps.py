"""The site as a Django app. Its system checks, with ids, are in `checks.py`."""

from __future__ import annotations

from django.apps import AppConfig


class DatacenterConfig(AppConfig):
    name = "datacenter"
    verbose_name = "Quire"
    default_auto_field = "django.db.models.AutoField"
