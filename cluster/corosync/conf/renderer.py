"""`Document` → corosync.conf text: two blanks per level, keys in alphabetical order, a blank line after each section.

The only maker of this file's text. It refuses any key or value that could read as something else (blanks, control
characters, braces, `#`), then reads its own text back and compares: what corosync gets is what was meant.
"""

from __future__ import annotations

from collections.abc import Iterator

from cluster.corosync.conf.document import DOCUMENT_SIZE_MAX, Document, Section, node_key
from cluster.corosync.conf.parser import KEY, VALUE, parse
from cluster.errors import InvalidInput


def render(document: Document) -> str:
    """The document's text. Raises `InvalidInput` when a name or value cannot be written safely."""
    text = "".join(_lines(document.root, 0))
    if len(text) > DOCUMENT_SIZE_MAX:
        raise InvalidInput(f"corosync.conf would be larger than {DOCUMENT_SIZE_MAX // 1024} KiB.")
    if _ordered(parse(text).root) != _ordered(document.root):
        raise InvalidInput("corosync.conf would not read back as it was meant; nothing was written.")
    return text


def _lines(section: Section, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for key, value in _items(section):
        _check_key(key)
        if isinstance(value, str):
            yield f"{indent}{key}: {_checked_value(key, value)}\n"
            continue
        yield f"{indent}{key} {{\n"
        yield from _lines(value, depth + 1)
        yield f"{indent}}}\n"
        if depth == 0:
            yield "\n"


def _items(section: Section) -> list[tuple[str, str | Section]]:
    """Keys and sections interleaved by name; nodes among themselves by name, interfaces by link number as text."""
    items: list[tuple[str, str | Section]] = [*section.values, *section.sections]
    return sorted(items, key=lambda item: (item[0], "" if isinstance(item[1], str) else _section_key(*item)))


def _section_key(name: str, section: str | Section) -> str:
    if not isinstance(section, Section):
        return ""
    if name == "interface":
        return section.get("linknumber") or section.get("ringnumber")
    return node_key(section)


def _check_key(key: str) -> None:
    if not KEY.fullmatch(key):
        raise InvalidInput("A key or section name for corosync.conf has characters corosync does not read.")


def _checked_value(key: str, value: str) -> str:
    if not VALUE.fullmatch(value) or any(mark in value for mark in "{}#"):
        raise InvalidInput(
            f"The value of {key} cannot be written to corosync.conf: it may have no blanks, braces, # or control "
            "characters, and at most 255 characters.",
            fields={key: "This has characters that cannot stand in corosync.conf."},
        )
    return value


def _ordered(section: Section) -> Section:
    """The same section with repeated sections in written order, for comparing."""
    inner = [(name, _ordered(value)) for name, value in _items(section) if isinstance(value, Section)]
    return Section.of(dict(section.values), inner)
