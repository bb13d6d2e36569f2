"""The site as a Django app; its system checks are in `checks.py`."""

from __future__ import annotations

from django.apps import AppConfig


class DatacenterConfig(AppConfig):
    """Registers the checks when Django starts."""

    name = "datacenter"
    verbose_name = "Quire"
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        from datacenter import checks  # noqa: F401
