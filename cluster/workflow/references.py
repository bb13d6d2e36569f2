"""What in the tree names a node, and what becomes of it when the node goes: cleaned, archived, or kept where it is.

Pure: files in, findings and the files' new content out. A line is taken out whole and everything else survives byte
for byte. A section that is for this node alone goes as a whole, because without its list it would mean every node.
Who asks is `remove_node.py` and `leave.py`; what was there is kept by `tombstone.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

GUEST = re.compile(r"nodes/([^/]+)/(?:qemu-server|lxc)/([0-9]+)\.conf")
_HEAD = re.compile(rb"[a-zA-Z][a-zA-Z0-9_-]*:\s*\S+\s*")
LISTED = re.compile(rb"(\s+)(nodes?|target)(\s+)(\S+)(\s*)")
KINDS = {
    "storage.cfg": "storage",
    "user.cfg": "permission",
    "ha/groups.cfg": "ha",
    "ha/rules.cfg": "ha",
    "ha/resources.cfg": "ha",
    "jobs.cfg": "job",
    "replication.cfg": "job",
    "alerts.cfg": "alert",
    "priv/known_hosts": "ssh",
    "priv/authorized_keys": "ssh",
}
PATHS = tuple(KINDS)


def guests_in(paths: Iterable[str]) -> frozenset[int]:
    """The numbers of the guests whose configurations are among these."""
    return frozenset(int(found[2]) for path in paths if (found := GUEST.fullmatch(path)))


@dataclass(frozen=True, slots=True)
class Reference:
    """`kind` is storage, permission, ha, job, alert, ssh, guest, certificate or file; `becomes` is a sentence."""

    path: str
    kind: str
    what: str
    becomes: str


def references(files: Mapping[str, bytes], paths: Iterable[str], node: str) -> tuple[Reference, ...]:
    """`files` are those of `PATHS` that are there; `paths` all of the tree."""
    found = [each for path, data in files.items() for each in _clean(path, data, node)[1]]
    return (*found, *(_of_its_folder(path, node) for path in own_paths(paths, node)))


def cleaned(files: Mapping[str, bytes], node: str) -> dict[str, bytes]:
    """The new content of each file that names the node."""
    fresh = {path: _clean(path, data, node)[0] for path, data in files.items()}
    return {path: data for path, data in fresh.items() if data != files[path]}


def own_paths(paths: Iterable[str], node: str) -> list[str]:
    return sorted(path for path in paths if path.startswith(f"nodes/{node}/"))


def _of_its_folder(path: str, node: str) -> Reference:
    if guest := GUEST.fullmatch(path):
        becomes = "Archived: move or copy it elsewhere first if the guest shall run on another node."
        return Reference(path, "guest", f"guest {guest[2]}", becomes)
    if path.endswith((".pem", ".key", ".crt")):
        return Reference(path, "certificate", path.rsplit("/", 1)[1], "Archived; it is not trusted here any more.")
    return Reference(path, "file", path.removeprefix(f"nodes/{node}/"), "Archived.")


Cleaned = tuple[bytes, list[Reference]]


def _clean(path: str, data: bytes, node: str) -> Cleaned:
    way: Callable[[str, bytes, bytes], Cleaned] = {"permission": _permissions, "ssh": _keys}.get(KINDS[path], _sections)
    return way(path, data, node.encode())


def _permissions(path: str, data: bytes, node: bytes) -> Cleaned:
    """`acl:<propagate>:<path>:<who>:<roles>:`"""

    def names(line: bytes) -> bool:
        fields = line.split(b":")
        return fields[0] == b"acl" and len(fields) > 3 and (fields[2] + b"/").startswith(b"/nodes/" + node + b"/")

    def told(line: bytes) -> str:
        fields = line.decode("utf-8", "replace").strip().split(":")
        return f"{fields[3]} on {fields[2]}"

    return _without_lines(path, data, names, told, "The permission is taken away.")


def _keys(path: str, data: bytes, node: bytes) -> Cleaned:
    """A host's line begins with its names; a user's key ends with `user@host`."""

    def names(line: bytes) -> bool:
        words = line.split()
        if not words or words[0].startswith(b"#"):
            return False
        return node in words[0].split(b",") if path.endswith("known_hosts") else words[-1].endswith(b"@" + node)

    return _without_lines(path, data, names, lambda _: "the key of this host", "The line is taken out.")


def _without_lines(
    path: str, data: bytes, names: Callable[[bytes], bool], told: Callable[[bytes], str], becomes: str
) -> Cleaned:
    lines = data.splitlines(keepends=True)
    gone = [line for line in lines if names(line)]
    kept = b"".join(line for line in lines if not names(line))
    return kept, [Reference(path, KINDS[path], told(line), becomes) for line in gone]


def _sections(path: str, data: bytes, node: bytes) -> Cleaned:
    kept, found = [], []
    for section in sections(data):
        fresh, becomes = _section(section, node)
        kept.append(fresh)
        if becomes:
            head = section[0].decode("utf-8", "replace").strip()
            found.append(Reference(path, KINDS[path], head, becomes))
    return b"".join(kept), found


def sections(data: bytes) -> list[list[bytes]]:
    """The file's lines by section; what stands before the first head is a section of its own."""
    sections: list[list[bytes]] = [[]]
    for line in data.splitlines(keepends=True):
        if _HEAD.fullmatch(line.rstrip()) and not line[:1].isspace():
            sections.append([])
        sections[-1].append(line)
    return [section for section in sections if section]


def _section(lines: list[bytes], node: bytes) -> tuple[bytes, str]:
    """The section without the node, and what became of it; "" where it does not name the node."""
    fresh, becomes = [], ""
    for line in lines:
        found = LISTED.fullmatch(line)
        listed = found[4].split(b",") if found else []
        left = [one for one in listed if one.split(b":")[0] != node]  # HA groups write name:priority
        if found is None or len(left) == len(listed):
            fresh.append(line)
        elif not left:
            return b"", "It is for this node alone: archived."
        else:
            fresh.append(found[1] + found[2] + found[3] + b",".join(left) + found[5])
            becomes = "The node is taken out of its list; the others stay."
    return b"".join(fresh), becomes
