"""All messages of the site, for whoever keeps the catalogues."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.template import engines

from datacenter.language import marked
from datacenter.language.words import script_messages


def templates() -> list[Path]:
    return sorted((settings.BASE_DIR / "templates").rglob("*.html"))


def modules() -> list[Path]:
    return sorted((settings.BASE_DIR / "datacenter").rglob("*.py"))


def everything_marked() -> Iterator[marked.Message]:
    engine = engines["django"].engine  # type: ignore[attr-defined]
    for path in templates():
        yield from marked.in_template(path, engine)
    for path in modules():
        yield from marked.in_python(path)
    for text in script_messages():
        yield marked.Message(text, place="static/js")
