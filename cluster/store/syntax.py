"""Does a configuration file's text follow its grammar? A finding per line that does not. Pure.

Knows three grammars by path: sections (`type: id`, then indented lines), keys with values (`key: value`), and the
lines of users and rights. What keys mean is their reader's business. corosync.conf has a verifier of its own
(`cluster/corosync/conf`); a file of any other kind has no grammar here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

SECTIONS = {
    "storage.cfg", "jobs.cfg", "replication.cfg", "domains.cfg", "status.cfg", "notifications.cfg",
    "priv/notifications.cfg", "ha/resources.cfg", "ha/rules.cfg", "ha/groups.cfg", "ha/fence.cfg",
    "alerts.cfg", "priv/alerts.cfg",
    "virtual-guest/cpu-models.conf", "mapping/pci.cfg", "mapping/usb.cfg", "mapping/directory.cfg",
}  # fmt: skip
KEY_VALUES = {"datacenter.cfg"}
COLONS = {"user.cfg"}
JSONS = {"priv/tfa.cfg", "ha/manager_status"}

_HEADER = re.compile(r"[A-Za-z][\w-]*:\s*\S+\s*")
_SECTION_LINE = re.compile(r"[ \t]+[A-Za-z][\w.-]*(?:[ \t]+\S.*)?")
_KEY_VALUE = re.compile(r"[A-Za-z][\w.-]*:(?:\s.*)?")
_COLON_LINE = re.compile(r"(?:user|token|group|pool|role|acl):.*:")


@dataclass(frozen=True, slots=True)
class Finding:
    """`line` counts from 1; 0 is the file as a whole."""

    line: int
    sentence: str


def kind_of(path: str) -> str:
    """The name of a path's grammar; empty when there is none."""
    if path in SECTIONS or (path.startswith("sdn/") and path.endswith(".cfg")):
        return "sections"
    if path in KEY_VALUES or re.fullmatch(r"nodes/[^/]+/config", path):
        return "keys and values"
    if path in COLONS:
        return "users and rights"
    if path in JSONS or re.fullmatch(r"nodes/[^/]+/lrm_status", path):
        return "JSON"
    return ""


def check(path: str, data: bytes) -> tuple[Finding, ...]:
    """What is wrong with this text; empty when nothing is, or when the path has no grammar."""
    kind = kind_of(path)
    if not kind:
        return ()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return (Finding(data[: error.start].count(b"\n") + 1, "This line is not text in UTF-8."),)
    checks = {"sections": _sections, "keys and values": _key_values, "users and rights": _colons, "JSON": _json}
    return tuple(checks[kind](text))


def _sections(text: str) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    inside = False
    for number, line in _lines(text):
        if not line.strip():
            inside = False
        elif line.startswith("#"):
            continue
        elif line[0] in " \t":
            if not inside:
                yield Finding(number, "This line is indented, but no section begins above it.")
            elif not _SECTION_LINE.fullmatch(line):
                yield Finding(number, "A line of a section is a key, and its value after a space.")
        elif _HEADER.fullmatch(line):
            inside = True
            name = line.partition(":")[2].strip()
            if name in seen:
                yield Finding(number, f"{name} is there already, in line {seen[name]}.")
            seen.setdefault(name, number)
        else:
            yield Finding(number, "A section begins with its type, a colon and its name, as in “dir: local”.")
            inside = True


def _key_values(text: str) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for number, line in _lines(text):
        if not line.strip() or line.startswith("#"):
            continue
        key = line.partition(":")[0]
        if not _KEY_VALUE.fullmatch(line):
            yield Finding(number, "A line is a key, a colon and its value, as in “keyboard: de”.")
        elif key in seen:
            yield Finding(number, f"{key} is there already, in line {seen[key]}.")
        seen.setdefault(key, number)


def _colons(text: str) -> Iterator[Finding]:
    for number, line in _lines(text):
        if line.strip() and not line.startswith("#") and not _COLON_LINE.fullmatch(line.strip()):
            sentence = "A line begins with user, token, group, pool, role or acl, and ends with a colon."
            yield Finding(number, sentence)


def _json(text: str) -> Iterator[Finding]:
    try:
        json.loads(text or "{}")
    except ValueError as error:
        yield Finding(getattr(error, "lineno", 0), "This is not JSON.")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.split("\n"), 1)
