"""The words of scripts in the language of a page, for its `data-words`: what `t("…")` in static/js looks up.

English needs none: there the words are the keys.
"""

from __future__ import annotations

import json
import re
from functools import cache

from django.conf import settings
from django.utils.translation import get_language, gettext

CALL = re.compile(r'\bt\("((?:[^"\\]|\\.)+)"\)')


@cache
def script_messages() -> tuple[str, ...]:
    """In the order of the files' names, each once."""
    scripts = sorted((settings.STATIC_DIR / "js").glob("*.js"))
    found = (text for path in scripts for text in CALL.findall(path.read_text(encoding="utf-8")))
    return tuple(dict.fromkeys(found))


def as_json() -> str:
    if get_language() == settings.LANGUAGE_CODE:
        return "{}"
    return json.dumps({text: gettext(text) for text in script_messages()}, ensure_ascii=False, separators=(",", ":"))
