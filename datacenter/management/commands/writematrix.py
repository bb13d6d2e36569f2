"""Writes who may call what to the documents; what that is, is worked out by `datacenter/api/matrix.py`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from datacenter.api import matrix


class Command(BaseCommand):
    help = "Write docs/permissions.md anew from the descriptions of the API's endpoints."

    def handle(self, *_words: Any, **_options: Any) -> None:
        matrix.DOCUMENT.write_text(matrix.document(), encoding="utf-8")
        self.stdout.write(f"{matrix.DOCUMENT} is written.")
