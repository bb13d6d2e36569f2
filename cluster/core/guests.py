"""Guests by their configuration files: which path is one, and the rule that an id belongs to one guest alone.

`nodes/<node>/qemu-server/<id>.conf` is a virtual machine, `lxc` a container, `openvz` one of old. Two nodes that both
had a guest 100 would each start it, on the same disks; so the tree refuses the second. A move is a rename.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KIND_OF_FOLDER = {"qemu-server": "qemu", "lxc": "lxc", "openvz": "openvz"}
ID_MAX = 2**32 - 1

_FILE = re.compile(r"([1-9][0-9]{0,9})\.conf", re.ASCII)
_NODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Guest:
    """Where a guest id is: on which node, as which kind, and the inode of its configuration."""

    node: str
    kind: str
    inode: int


def guest_id_of(name: str) -> int | None:
    """The guest id a file name stands for, wherever the file is; None for other names."""
    match = _FILE.fullmatch(name)
    return int(match[1]) if match is not None and int(match[1]) <= ID_MAX else None


def place_of(parts: list[str]) -> tuple[str, str] | None:
    """(node, kind) when the path of these directories holds guests' configurations."""
    if len(parts) != 3 or parts[0] != "nodes" or not _NODE.fullmatch(parts[1]):
        return None
    kind = KIND_OF_FOLDER.get(parts[2])
    return (parts[1], kind) if kind is not None else None
