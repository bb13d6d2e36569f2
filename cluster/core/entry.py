"""One file or directory of the tree, what a command did to it, the limits, and which names are names.

Values only: what holds them together is `entries.py`, what changes them is `tree.py`.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

from cluster.errors import StoreRefusal

FILE_SIZE_MAX = 1 << 20
TREE_SIZE_MAX = 128 << 20
ENTRIES_MAX = 256 * 1024
NAME_BYTES_MAX = 255
ROOT = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or directory. `data` is None for a directory. `content_version` is the version that wrote `data`."""

    inode: int
    parent: int
    name: str
    version: int
    writer: int
    mtime_s: int
    data: bytes | None
    content_version: int = 0

    @property
    def is_dir(self) -> bool:
        return self.data is None

    @property
    def size(self) -> int:
        return len(self.data) if self.data is not None else 0


@dataclass(frozen=True, slots=True)
class PathChange:
    """One path that differs after a command. `kind` is `file`, `dir` or `removed`."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What a command did: entries to keep, inodes to forget, the paths people would say have changed, and the entries
    concerned as they were before."""

    entries: tuple[Entry, ...]
    removed: tuple[int, ...]
    paths: tuple[PathChange, ...]
    before: tuple[Entry, ...] = ()


def refuse(number: int, message: str) -> StoreRefusal:
    return StoreRefusal(number, message)


def parts_of(path: str) -> list[str]:
    """A path's components, each checked as a name. Raises `StoreRefusal`."""
    parts = [part for part in path.split("/") if part]
    for part in parts:
        if part in (".", "..") or "\0" in part:
            raise refuse(errno.EINVAL, f"{path!r} has a component that cannot be a name")
        try:
            length = len(part.encode())
        except UnicodeEncodeError:
            raise refuse(errno.EILSEQ, f"{path!r} is not valid UTF-8") from None
        if length > NAME_BYTES_MAX:
            raise refuse(errno.ENAMETOOLONG, f"a name is longer than {NAME_BYTES_MAX} bytes")
    return parts


def clean(path: str) -> str:
    return "/".join(part for part in path.split("/") if part)
