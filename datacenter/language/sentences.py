"""The daemon's English sentences in the language of a page: each is found among the patterns of `patterns.py`, its
values are taken out, and the pattern's translation is filled with them.

A sentence of no known pattern stays as it is. English pages, the API and programs never come here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

from django.conf import settings
from django.utils.translation import get_language, gettext

from datacenter.language.patterns import PATTERNS

CHARACTERS_MAX = 2000
HOLE = re.compile(r"\{([a-z]+)_?[a-z]*\}")
SENTENCE_END = re.compile(r"[.!?](?=\s)\s*")
_NAME = r"[^\s,;]+?"
# What may stand in a hole, by the first word of its name; any other name is that of something without a space.
FITS = {
    "n": r"[+-]?\d+(?:\.\d+)?",
    "who": rf"{_NAME}(?:, {_NAME})*(?: and (?:\d+ more|{_NAME}))*",
    "links": r"link \d.+?",
    "held": r".+? on .+?",
    "paths": r"\S+ was (?:written|removed).*?",
    "text": r".+?",
    "rest": r".+?",
    "outcome": r".*",
    "clock": r"\d\d:\d\d:\d\d UTC",
    "engine": r"corosync|the engine",
    "kind": r"[A-Z][a-z -]+?",
    "name": _NAME,
}


def said(text: str) -> str:
    """A sentence, or several in a row."""
    language = get_language()
    if not text or language in (None, settings.LANGUAGE_CODE) or len(text) > CHARACTERS_MAX:
        return text
    return _in(str(language), text)


@lru_cache(2048)
def _in(_language: str, text: str) -> str:
    parts: list[str] = []
    rest = text
    while rest:
        found = read(rest)
        if found is not None:
            pattern, values, end = found
            parts.append(gettext(pattern).format(**values))
        else:
            edge = SENTENCE_END.search(rest)
            end = edge.end() if edge else len(rest)
            parts.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return " ".join(parts)


def read(text: str) -> tuple[str, dict[str, str], int] | None:
    """The pattern that the beginning of `text` has, its values in the page's language, and where it ends."""
    for pattern, expression in _compiled():
        match = expression.match(text)
        if match is not None:
            values = {hole: _value(hole, value) for hole, value in match.groupdict().items()}
            return pattern, values, match.end()
    return None


def is_known(text: str) -> bool:
    """Has every sentence of it a pattern?"""
    rest = text
    while rest:
        found = read(rest)
        if found is None:
            return False
        rest = rest[found[2] :].lstrip()
    return True


@cache
def _compiled() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Those with the most words of their own first, which say more than those with large holes."""
    ordered = sorted(PATTERNS, key=lambda pattern: -len(HOLE.sub("", pattern)))
    return tuple((pattern, _expression(pattern)) for pattern in ordered)


def _expression(pattern: str) -> re.Pattern[str]:
    pieces, at = [], 0
    for hole in HOLE.finditer(pattern):
        pieces.append(re.escape(pattern[at : hole.start()]))
        pieces.append(f"(?P<{hole.group()[1:-1]}>{FITS.get(hole.group(1), _NAME)})")
        at = hole.end()
    if at == len(pattern) and pieces:
        pieces[-1] = pieces[-1].replace(".+?)", ".+)")  # whatever stands last takes all that is left
    pieces.append(re.escape(pattern[at:]))
    return re.compile("".join(pieces) + r"(?=\s|\Z)", re.S)


def _value(hole: str, value: str) -> str:
    change = _CHANGES.get(hole.partition("_")[0])
    return change(value) if change is not None else value


def _listed(value: str) -> str:
    """`alpha, beta and 3 more`."""
    more = re.sub(r" and (\d+) more$", lambda match: gettext(" and {n} more").format(n=match.group(1)), value)
    return more.replace(" and ", gettext(" and "))


def _links(value: str) -> str:
    said_of = gettext("link {n} between {a} and {b}")
    each = re.compile(r"link (\d+) between (\S+) and ([^\s,]+)")
    words = each.sub(lambda match: f"\0{match.group(1)}\0{match.group(2)}\0{match.group(3)}\0", value)
    words = _listed(words)
    return re.sub(
        "\0([^\0]+)\0([^\0]+)\0([^\0]+)\0",
        lambda match: said_of.format(n=match.group(1), a=match.group(2), b=match.group(3)), words,
    )  # fmt: skip


def _held(value: str) -> str:
    return _listed(value.replace(" on ", gettext(" on ")))


def _paths(value: str) -> str:
    words = re.sub(r"(\S+) was written", lambda match: gettext("{path} written").format(path=match.group(1)), value)
    words = re.sub(r"(\S+) was removed", lambda match: gettext("{path} removed").format(path=match.group(1)), words)
    return re.sub(r", and (\d+) more$", lambda match: gettext(", and {n} more").format(n=match.group(1)), words)


_CHANGES: dict[str, Callable[[str], str]] = {
    "who": _listed, "links": _links, "held": _held, "paths": _paths, "text": said, "engine": gettext, "kind": said,
}  # fmt: skip
