"""The objects in the mount's root that are in no tree: symbolic links to this node's own folders, and virtual files.

They hide entries of the tree with the same name. What a virtual file says comes through the door.
"""

from __future__ import annotations

import stat

VIRTUAL_BASE = 1 << 62
LINKS = {"local": "", "qemu-server": "/qemu-server", "lxc": "/lxc", "openvz": "/openvz"}
FILES = (".version", ".members", ".vmlist", ".clusterlog", ".rrd", ".debug")
NAMES = (*LINKS, *FILES)
INODES = {name: VIRTUAL_BASE + number for number, name in enumerate(NAMES)}


def is_virtual(inode: int) -> bool:
    return inode >= VIRTUAL_BASE


def name_of(inode: int) -> str:
    return NAMES[inode - VIRTUAL_BASE]


def kind_of(inode: int) -> int:
    """Its file type, as in a mode."""
    return stat.S_IFLNK if name_of(inode) in LINKS else stat.S_IFREG
