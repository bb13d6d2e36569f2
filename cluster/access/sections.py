"""The grammar of section files (`domains.cfg`, `storage.cfg` …): `type: id`, then indented `key value` lines.

Keys not known to anybody survive a rewrite; comments do not, as in Proxmox VE. What the keys mean is each file's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cluster.errors import InvalidInput

_HEAD = re.compile(r"([a-zA-Z][a-zA-Z0-9_-]*):\s*(\S+)\s*")
_PROPERTY = re.compile(r"[ \t]+([^\s]+)(?:[ \t]+(.*?))?[ \t]*")
_FALSE = ("0", "no", "off", "false")
_FIRST = ("comment", "disable")


@dataclass(slots=True)
class Section:
    """A bare key has the value ""."""

    kind: str
    name: str
    properties: dict[str, str] = field(default_factory=dict)

    def is_on(self, key: str) -> bool:
        """A truth: a bare key, or anything but the words for no."""
        value = self.properties.get(key)
        return value is not None and value.lower() not in _FALSE


def parse(data: bytes) -> list[Section]:
    """In the file's order. Raises InvalidInput naming the line that is neither head nor property."""
    sections: list[Section] = []
    is_open = False
    for number, line in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        line = line.rstrip("\r")
        if line.startswith("#"):
            continue
        if not line.strip():
            is_open = False
        elif is_open and (found := _PROPERTY.fullmatch(line)):
            sections[-1].properties[found[1]] = found[2] or ""
        elif found := _HEAD.fullmatch(line):
            sections.append(Section(found[1], found[2]))
            is_open = True
        else:
            raise InvalidInput(f"Line {number} is neither `type: name` nor an indented `key value`.")
    return sections


def render(sections: list[Section], required: dict[str, tuple[str, ...]] | None = None) -> bytes:
    """`required`: per type, the keys that come before the others; those are in alphabetical order."""
    return "\n".join(_text(one, (required or {}).get(one.kind, ())) for one in sections).encode(
        "utf-8", "surrogateescape"
    )


def _text(section: Section, required: tuple[str, ...]) -> str:
    leading = [key for key in (*_FIRST, *required) if key in section.properties]
    others = sorted(key for key in section.properties if key not in leading)
    lines = [f"{section.kind}: {section.name}"]
    for key in (*leading, *others):
        value = section.properties[key]
        lines.append(f"\t{key} {value}" if value else f"\t{key}")
    return "\n".join(lines) + "\n"
