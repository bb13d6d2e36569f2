"""`alerts.cfg`: rules, targets and silences in sections; what each may say, and templates. Pure.

Secrets of targets are in `priv/alerts.cfg`, a section with the target's name. A template puts values in the place of
`{{ name }}` and does nothing else; in a body they are escaped as JSON has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from cluster.access.sections import Section, parse
from cluster.alerts.condition import Condition
from cluster.alerts.conditions import KINDS, THRESHOLDS
from cluster.errors import InvalidInput

PATH, SECRETS = "alerts.cfg", "priv/alerts.cfg"
SECTIONS_MAX = 200
TARGETS = ("smtp", "webhook", "ntfy", "gotify")
KEYS: dict[str, tuple[str, ...]] = {
    "rule": ("disable", "threshold"),
    "silence": ("about", "node", "until", "comment"),
    "smtp": ("server", "port", "mode", "username", "from", "to", "comment", "disable", "local"),
    "webhook": ("url", "template", "comment", "disable", "local"),
    "ntfy": ("url", "comment", "disable", "local"),
    "gotify": ("url", "comment", "disable", "local"),
}
NEEDED = {"silence": ("until",), "smtp": ("server", "from", "to"), "webhook": ("url",), "ntfy": ("url",),
          "gotify": ("url",)}  # fmt: skip
TEMPLATE = '{"title": "{{ title }}", "text": "{{ text }}", "kind": "{{ kind }}", "node": "{{ node }}"}'
VALUES = ("title", "text", "kind", "node", "cluster", "word")
_PLACE = re.compile(r"\{\{\s*([a-z]*)\s*\}\}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]\\]+@[^\s<>,;:\"()\[\]\\]+")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}")


@dataclass(frozen=True, slots=True)
class Settings:
    sections: tuple[Section, ...] = ()

    @property
    def targets(self) -> tuple[Section, ...]:
        return tuple(one for one in self.sections if one.kind in TARGETS)

    @property
    def thresholds(self) -> dict[str, float]:
        given = {one.name: float(one.properties["threshold"]) for one in self.sections
                 if one.kind == "rule" and _is_number(one.properties.get("threshold", ""))}  # fmt: skip
        return {**THRESHOLDS, **given}

    def find(self, kind: str, name: str) -> Section | None:
        return next((one for one in self.sections if (one.kind, one.name) == (kind, name)), None)

    def is_off(self, kind: str) -> bool:
        rule = self.find("rule", kind)
        return rule is not None and rule.is_on("disable")

    def is_silenced(self, one: Condition, now_s: float) -> bool:
        return any(
            silence.kind == "silence"
            and float(silence.properties.get("until", "0") or 0) > now_s
            and silence.properties.get("about", one.kind) == one.kind
            and silence.properties.get("node", one.node) == one.node
            for silence in self.sections
        )


def read(data: bytes | None) -> Settings:
    """What can be read; nothing when the file is damaged."""
    try:
        return Settings(tuple(one for one in parse(data or b"") if one.kind in KEYS)[:SECTIONS_MAX])
    except InvalidInput:
        return Settings()


def check(section: Section) -> None:
    """Raises InvalidInput with a reason per key."""
    faults: dict[str, str] = {}
    if section.kind not in KEYS:
        raise InvalidInput("This is no setting of alerts.", fields={"type": f"one of {', '.join(KEYS)}"})
    if not _NAME.fullmatch(section.name):
        faults["id"] = "letters, digits, . - _, at most 64"
    if section.kind == "rule" and section.name not in KINDS:
        faults["id"] = f"one of {', '.join(KINDS)}"
    for key, value in section.properties.items():
        if key not in KEYS[section.kind]:
            faults[key] = f"a {section.kind} has no such setting"
        elif (reason := _fault(key, value)) is not None:
            faults[key] = reason
    faults |= {key: "is needed" for key in NEEDED.get(section.kind, ()) if not section.properties.get(key)}
    if faults:
        raise InvalidInput("This setting of alerts is not right.", fields=faults)


def _fault(key: str, value: str) -> str | None:
    if "\n" in value or "\r" in value or not value.isprintable() or len(value) > 2000:
        return "one line, at most 2000 characters"
    if key in ("threshold", "until", "port"):
        return None if _is_number(value) else "a number"
    if key == "about":
        return None if value in KINDS else f"one of {', '.join(KINDS)}"
    if key == "mode":
        return None if value in ("insecure", "starttls", "tls") else "insecure, starttls or tls"
    if key == "server":
        return None if _HOST.fullmatch(value) else "a host name or an address"
    if key == "from":
        return None if _ADDRESS.fullmatch(value) else "one mail address"
    if key == "to":
        return (
            None if all(_ADDRESS.fullmatch(one) for one in value.split(",")) else "mail addresses with commas between"
        )
    if key == "url":
        return _url_fault(value)
    if key == "template":
        return _template_fault(value)
    return None


def _url_fault(value: str) -> str | None:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
        sound = sound and not parts.fragment and parts.port != 0 and "\\" not in value and " " not in value
    except ValueError:
        sound = False
    return None if sound else "an address with http:// or https://, without a user, password or #"


def _template_fault(value: str) -> str | None:
    unknown = [name for name in _PLACE.findall(value) if name not in VALUES]
    if unknown:
        return f"there is no value {unknown[0]!r}; there are {', '.join(VALUES)}"
    try:
        json.loads(fill(value, dict.fromkeys(VALUES, 'a "quoted" word')))
    except ValueError:
        return "must be JSON once the values are in their places"
    return None


def fill(template: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: json.dumps(values.get(place[1], ""))[1:-1], template)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= 12
