"""What in the tree has to change when a node gets another name: its folder, and every file that names it.

Pure: files in, one change out. The files and their syntax are those of `references.py`; who asks is `rename.py`, and
how a machine learns its new name is `cluster/node/naming.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cluster.core.machine import CONFIGURATION
from cluster.core.operations import digest_of
from cluster.workflow.cleaning import Cleaning
from cluster.workflow.references import KINDS, LISTED, own_paths

ROOT = "priv/renamed"  # one file per new name, which says the former one


def note_path(name: str) -> str:
    return f"{ROOT}/{name}"


def new_name(notes: Mapping[str, bytes], listed: str | None, own: str) -> str:
    """What the node `own` is called now, when the nodelist has another name at its id and the tree says that it is the
    same node; else "". Another node that was given a removed one's id is not it."""
    if listed is None or listed == own or notes.get(note_path(listed), b"").decode().strip() != own:
        return ""
    return listed


def change(
    configuration: bytes, before: bytes, files: Mapping[str, bytes], paths: Iterable[str], former: str, name: str
) -> Cleaning:
    """All of it at once: the new corosync.conf, what the folder holds, the files that named the node, the note of it.
    `files` are those of `references.PATHS` that are there."""
    own = own_paths(paths, former)
    fresh = {path: renamed(path, data, former, name) for path, data in files.items()}
    fresh = {path: data for path, data in fresh.items() if data != files[path]}
    return Cleaning(
        expected={CONFIGURATION: digest_of(before), **{path: digest_of(files[path]) for path in fresh}},
        moved=tuple((path, f"nodes/{name}/{path.removeprefix(f'nodes/{former}/')}") for path in own),
        written={CONFIGURATION: configuration, **fresh, note_path(name): former.encode() + b"\n"},
        removed=(note_path(former),),
    )


def folders(moved: Iterable[tuple[str, str]]) -> list[str]:
    """What the moved files leave behind, deepest first; empty but for folders that had nothing in them before."""
    found = {"/".join(one.split("/")[:depth]) for one, _ in moved for depth in range(2, one.count("/") + 1)}
    return sorted(found, key=lambda path: -path.count("/"))


def renamed(path: str, data: bytes, former: str, name: str) -> bytes:
    """The file with the node's new name wherever it named the node; the rest byte for byte."""
    way = {"permission": _permission, "ssh": _key}.get(KINDS[path], _listed)
    old, new = former.encode(), name.encode()
    return b"".join(way(line, old, new) for line in data.splitlines(keepends=True))


def _permission(line: bytes, former: bytes, name: bytes) -> bytes:
    fields = line.split(b":")
    if fields[0] != b"acl" or len(fields) <= 3 or not (fields[2] + b"/").startswith(b"/nodes/" + former + b"/"):
        return line
    fields[2] = b"/nodes/" + name + fields[2].removeprefix(b"/nodes/" + former)
    return b":".join(fields)


def _key(line: bytes, former: bytes, name: bytes) -> bytes:
    """A host's line begins with its names; a user's key ends with `user@host`."""
    first, blank, rest = line.partition(b" ")
    if not line.startswith(b"#") and former in first.split(b","):
        return b",".join(name if one == former else one for one in first.split(b",")) + blank + rest
    bare = line.rstrip()
    if bare.endswith(b"@" + former):
        return bare.removesuffix(former) + name + line[len(bare) :]
    return line


def _listed(line: bytes, former: bytes, name: bytes) -> bytes:
    found = LISTED.fullmatch(line)
    if found is None:
        return line
    parts = (one.split(b":", 1) for one in found[4].split(b","))  # HA groups write name:priority
    fresh = b",".join(b":".join([name if part[0] == former else part[0], *part[1:]]) for part in parts)
    return found[1] + found[2] + found[3] + fresh + found[5]
