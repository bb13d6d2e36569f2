"""A file or folder of the configuration as the page shows it: text, crumbs, differences, its history. Pure.

What is asked of the daemon for it is `views.py`.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

EDIT_BYTES_MAX = 128 << 10  # what a form can carry, encoded
VIEW_BYTES_MAX = 512 << 10
DIFF_LINES_MAX = 2000
_KINDS = {"+": "added", "-": "removed"}


@dataclass(frozen=True, slots=True)
class Crumb:
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class DiffLine:
    """`kind` is added, removed, same or place; `sign` is what stands before the text."""

    kind: str
    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What is at a path now. `kind` is file, dir or absent; `text` is None for what is not to be read as text."""

    path: str
    kind: str
    folder: str
    entries: tuple[dict[str, Any], ...] = ()
    data: bytes = b""
    digest: str = ""
    mtime_s: int = 0
    history: tuple[dict[str, Any], ...] = ()
    more: bool = False

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def crumbs(self) -> list[Crumb]:
        parts = self.path.split("/") if self.path else []
        return [Crumb(part, "/".join(parts[: place + 1])) for place, part in enumerate(parts)]

    @property
    def text(self) -> str | None:
        return as_text(self.data) if len(self.data) <= VIEW_BYTES_MAX else None

    @property
    def why_not_editable(self) -> str:
        """A sentence; empty when the file can be edited here."""
        if len(self.data) > EDIT_BYTES_MAX:
            return gettext("It is larger than {limit} KiB.").format(limit=EDIT_BYTES_MAX >> 10)
        if self.text is None:
            return gettext("It is not text in UTF-8.")
        if b"\r" in self.data:
            return gettext("Its lines end in a way that a form would change.")
        return ""

    @property
    def mark(self) -> str:
        """Equal as long as all that is shown is."""
        newest = self.history[0]["revision"] if self.history else []
        shown = repr((self.path, self.kind, self.digest, self.entries, newest))
        return hashlib.sha1(shown.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def clean(path: str) -> str:
    return "/".join(part for part in path.split("/") if part)


def as_text(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def typed(text: str) -> bytes:
    """What a form's text area carries, with the line ends that files have."""
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")


def digest_of(data: bytes) -> str:
    """As the daemon compares it."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def difference(before: bytes, after: bytes) -> list[DiffLine]:
    """From one text to another, with a few lines around each change."""
    texts = [(as_text(data) or "").splitlines() for data in (before, after)]
    lines = [*difflib.unified_diff(texts[0], texts[1], lineterm="")]
    if not lines and before != after:
        lines = ["", "", "@@ Only the end of the last line differs. @@"]
    return diff_lines(lines)


def diff_lines(lines: Sequence[str]) -> list[DiffLine]:
    """A unified diff, without its two lines of names."""
    return [_diff_line(line) for line in lines[2 : DIFF_LINES_MAX + 2]]


def _diff_line(line: str) -> DiffLine:
    sign = line[:1]
    return DiffLine("place", "", line) if sign == "@" else DiffLine(_KINDS.get(sign, "same"), sign, line[1:])


def history_of(answer: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """The changes of a StoreHistory answer, each with its revision as people write it."""
    return tuple({**change, "name": named(change["revision"])} for change in answer["changes"])


def named(revision: Iterable[int]) -> str:
    return ".".join(str(number) for number in revision)
