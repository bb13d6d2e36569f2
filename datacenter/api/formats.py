"""Reads the two forms that cluster-wide files have: sections (`type: id`, then indented lines) and keys with values.

Whatever does not fit is passed over, as clients of the real files do; whether a text is sound is asked of the daemon
before it is written. Knows no file by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Section:
    """A bare key's value is "1"."""

    type: str
    id: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyValues:
    """`description` is the text of the comment lines above the first key."""

    values: dict[str, str]
    description: str


def read_sections(text: str) -> list[Section]:
    found: list[Section] = []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0] not in " \t":
            type_, _, name = line.partition(":")
            found.append(Section(type_.strip(), name.strip()))
        elif found:
            key, _, value = line.strip().partition(" ")
            found[-1].values[key] = value.strip() or "1"
    return found


def read_key_values(text: str) -> KeyValues:
    values: dict[str, str] = {}
    comment: list[str] = []
    for line in text.splitlines():
        if line.startswith("#"):
            comment.append(unquote(line.removeprefix("#")))
        elif ":" in line:
            key, _, value = line.partition(":")
            values[key.strip()] = value.strip()
    return KeyValues(values, "".join(f"{line}\n" for line in comment))


def write_key_values(parsed: KeyValues) -> str:
    """Sorted by key, below the comment."""
    comment = "".join(f"#{_escaped(line)}\n" for line in parsed.description.splitlines())
    lines = "".join(f"{key}: {value}\n" for key, value in sorted(parsed.values.items()))
    return comment + ("\n" if comment and lines else "") + lines


def read_property_string(text: str, default_key: str = "") -> dict[str, str]:
    """`[default_key=]value,key=value,…`. Raises ValueError for a part without a key, or a key twice."""
    found: dict[str, str] = {}
    for part in text.split(","):
        key, has_key, value = part.partition("=")
        if not has_key:
            key, value = default_key, part
        if not key or key in found:
            raise ValueError
        found[key.strip()] = value.strip()
    return found


def _escaped(line: str) -> str:
    return "".join(char if char.isprintable() and char != "%" else _percent(char) for char in line)


def _percent(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "replace"))
