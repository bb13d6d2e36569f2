"""The objects in the mount's root that are in no tree: symbolic links to this node's own folders, and virtual files.

They hide entries of the tree with the same name. What a virtual file says comes through the door.
"""

from __future__ import annotations

VIRTUAL_BASE = 1 << 62
LINKS = {"local": "", "qemu-server": "/qemu-server", "lxc": "/lxc", "openvz": "/openvz"}
FILES = (".version", ".members", ".vmlist", ".clusterlog", ".rrd", ".debug")
NAMES = (*LINKS, *FILES)
INODES = {name: VIRTUAL_BASE + number for number, name in enumerate(NAMES)}


def is_virtual(inode: int) -> bool:
    return inode >= VIRTUAL_BASE


def name_of(inode: int) -> str:
    return NAMES[inode - VIRTUAL_BASE]
