"""Open files of the mount: each handle keeps what was written through it until it is flushed, then proposes it once.

A new file that was not asked for exclusively is *provisional*: it exists on this node only, until its first flush makes
it in the store with its content, as one change.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Handle:
    """`buffer` is None until something was written or cut. `mtime_s` is a time set through the handle."""

    inode: int  # as the kernel knows it
    uid: int
    append: bool = False
    buffer: bytearray | None = None
    mtime_s: int | None = None
    dirty: bool = False
    virtual: bytes | None = None

    def begin(self, content: bytes) -> bytearray:
        if self.buffer is None:
            self.buffer = bytearray(content)
        return self.buffer


@dataclass(slots=True)
class Provisional:
    """A file that is not in the store yet: where it will be, and, once it is there, its inode in the tree."""

    parent: int  # tree inode of the directory
    name: str
    tree_inode: int | None = None


class Handles:
    """All open handles and provisional files, by number."""

    FIRST_PROVISIONAL = 1 << 61

    def __init__(self) -> None:
        self._handles: dict[int, Handle] = {}
        self._next = 1
        self._next_provisional = self.FIRST_PROVISIONAL
        self.provisional: dict[int, Provisional] = {}

    def open(self, handle: Handle) -> int:
        number = self._next
        self._next += 1
        self._handles[number] = handle
        return number

    def get(self, number: int) -> Handle:
        return self._handles[number]

    def close(self, number: int) -> None:
        handle = self._handles.pop(number, None)
        if handle is not None and not self.of(handle.inode):
            gone = self.provisional.get(handle.inode)
            if gone is not None and gone.tree_inode is None:
                del self.provisional[handle.inode]

    def of(self, inode: int) -> list[Handle]:
        """Every handle open on an inode."""
        return [handle for handle in self._handles.values() if handle.inode == inode]

    def dirty_on(self, inode: int) -> Handle | None:
        return next((handle for handle in self.of(inode) if handle.dirty), None)

    def make_provisional(self, parent: int, name: str) -> int:
        inode = self._next_provisional
        self._next_provisional += 1
        self.provisional[inode] = Provisional(parent, name)
        return inode

    def find_provisional(self, parent: int, name: str) -> int | None:
        """The provisional file of this name that is not in the store yet."""
        for inode, one in self.provisional.items():
            if one.tree_inode is None and (one.parent, one.name) == (parent, name):
                return inode
        return None
