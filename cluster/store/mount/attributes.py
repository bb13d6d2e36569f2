"""Who owns what in the mount and with which mode: the rules of pmxcfs (reference pmxcfs.md §3.2), by path alone.

Pure. Everything belongs to root and to the group www-data; without quorum the write bits vanish; what is private is for
root only.
"""

from __future__ import annotations

import grp
import stat

VIRTUAL_READ_ONLY, VIRTUAL_WRITABLE = 0o440, 0o640


def is_private(path: str) -> bool:
    """`priv`, `nodes/<any>/priv`, and everything below them."""
    if path.startswith("nodes/"):
        return path.split("/", 3)[2:3] == ["priv"]
    return path == "priv" or path.startswith("priv/")


def mode_of(path: str, *, is_dir: bool, writable: bool) -> int:
    """The full mode of a tree entry (inode(7)). The root of the mount is always 0755."""
    if path == "":
        return stat.S_IFDIR | 0o755
    bits = (0o777 if is_dir else 0o666) if writable else (0o555 if is_dir else 0o444)
    if is_private(path):
        bits &= 0o700
    else:
        bits &= 0o755 if is_dir else 0o750
    return (stat.S_IFDIR if is_dir else stat.S_IFREG) | bits


def symlink_mode(*, writable: bool) -> int:
    """Programs decide whether the node has quorum by the owner's write bit of `local`."""
    return stat.S_IFLNK | (0o755 if writable else 0o555)


def accepts_mode(path: str, mode: int, *, is_dir: bool) -> bool:
    """chmod succeeds only to what the mode is anyway, or to pmxcfs's 0600 for what is private and 0640 for the rest."""
    asked = stat.S_IMODE(mode)
    usual = 0o600 if is_private(path) else 0o640
    return asked in (usual, stat.S_IMODE(mode_of(path, is_dir=is_dir, writable=True)))


def group_id() -> int:
    """The id of www-data, or root's where there is no such group."""
    try:
        return grp.getgrnam("www-data").gr_gid
    except KeyError:
        return 0
