"""corosync.conf text → `Document`, by the rules the cluster's own tools read it with, and refusing what is ambiguous.

`#` starts a comment anywhere; blanks and newlines separate; a key has its colon attached and its value apart;
only `node` and `interface` may repeat. Input is capped in size and depth before any work. Next: `document.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from cluster.corosync.conf.document import DOCUMENT_SIZE_MAX, Document, Section
from cluster.errors import InvalidInput

DEPTH_MAX = 6
KEY_MAX = 64  # characters
VALUE_MAX = 255  # characters; corosync itself stores no more
KEY = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{KEY_MAX - 1}}}")
VALUE = re.compile(rf"[!-~]{{1,{VALUE_MAX}}}")  # printable ASCII without the blank
REPEATABLE = frozenset({"node", "interface"})
_BLANKS = re.compile(r"[ \t\r\f\v]+")  # not str.split(): Unicode has blanks corosync does not know


@dataclass(slots=True)
class _Open:
    """A section being read."""

    name: str
    values: dict[str, str] = field(default_factory=dict)
    sections: list[tuple[str, Section]] = field(default_factory=list)


def parse(text: bytes | str) -> Document:
    """Read a corosync.conf. Empty text is an empty document. Raises `InvalidInput` naming the line."""
    source = text.encode() if isinstance(text, str) else bytes(text)
    if len(source) > DOCUMENT_SIZE_MAX:
        raise InvalidInput(f"corosync.conf is larger than {DOCUMENT_SIZE_MAX // 1024} KiB.")
    try:
        decoded = source.decode()
    except UnicodeDecodeError:
        raise InvalidInput("corosync.conf is not text (UTF-8).") from None
    return Document(_parse_sections(_Words(decoded)), source)


class _Words:
    """The words of the text with the line each stands on."""

    def __init__(self, text: str) -> None:
        self.line = 0
        self._words = self._split(text)

    def __iter__(self) -> Iterator[str]:
        return self._words

    def next(self) -> str:
        return next(self._words, "")

    def refuse(self, sentence: str, line: int = 0) -> NoReturn:
        raise InvalidInput(f"corosync.conf, line {line or self.line}: {sentence}")

    def _split(self, text: str) -> Iterator[str]:
        for self.line, line in enumerate(text.split("\n"), start=1):
            content = line.partition("#")[0]
            yield from (word for word in _BLANKS.split(content) if word)


def _parse_sections(words: _Words) -> Section:
    stack = [_Open("")]
    for word in words:
        if word == "}":
            if len(stack) == 1:
                words.refuse("a closing brace without a section.")
            _close(stack, words)
        elif word.endswith(":"):
            _read_value(stack[-1], word[:-1], words)
        else:
            _open(stack, word, words)
    if len(stack) > 1:
        words.refuse(f"section {stack[-1].name} is not closed.")
    return Section.of(stack[0].values, stack[0].sections)


def _open(stack: list[_Open], name: str, words: _Words) -> None:
    line = words.line
    if not KEY.fullmatch(name) or words.next() != "{":
        words.refuse("expected 'key: value' or 'section {'.", line)
    if len(stack) > DEPTH_MAX:
        words.refuse(f"sections are nested deeper than {DEPTH_MAX}.")
    if name not in REPEATABLE and any(found == name for found, _ in stack[-1].sections):
        words.refuse(f"section {name} appears twice.")
    stack.append(_Open(name))


def _close(stack: list[_Open], words: _Words) -> None:
    done = stack.pop()
    if any(name == done.name for name in stack[-1].values):
        words.refuse(f"{done.name} is both a key and a section.")
    stack[-1].sections.append((done.name, Section.of(done.values, done.sections)))


def _read_value(section: _Open, key: str, words: _Words) -> None:
    if not KEY.fullmatch(key):
        words.refuse("this key is not made of letters, digits and underscores.")
    line = words.line
    value = words.next()
    if value in ("", "{", "}"):
        words.refuse(f"key {key} has no value.", line)
    if not VALUE.fullmatch(value) or "{" in value or "}" in value:
        words.refuse(f"the value of {key} is too long or has characters corosync does not read.")
    if key in section.values:
        words.refuse(f"key {key} appears twice in one section.")
    if any(found == key for found, _ in section.sections):
        words.refuse(f"{key} is both a key and a section.")
    section.values[key] = value
