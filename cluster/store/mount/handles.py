"""Files open for writing: each handle keeps what was written through it until it is flushed, then proposes it once.

Who only reads has no handle (its number is `READING`), except on a virtual file, whose content is made for each.

A new file that was not asked for exclusively is *provisional*: it exists on this node only, until its first flush makes
it in the store with its content, as one change. One that was removed before that is *abandoned*: it goes nowhere.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

from cluster.store.mount.answers import Failure

READING = 0


@dataclass(slots=True)
class Handle:
    """`buffer` is None until something was written or cut. `mtime_s` is a time set through the handle."""

    inode: int  # as the kernel knows it
    uid: int
    pid: int = 0
    append: bool = False
    buffer: bytearray | None = None
    mtime_s: int | None = None
    dirty: bool = False
    virtual: bytes | None = None


@dataclass(slots=True)
class Provisional:
    """A file that is not in the store yet: where it will be, and, once it is there, its inode in the tree."""

    parent: int  # tree inode of the directory
    name: str
    tree_inode: int | None = None
    abandoned: bool = False

    @property
    def waiting(self) -> bool:
        return self.tree_inode is None and not self.abandoned


class Handles:
    """All open handles and provisional files, by number."""

    FIRST_PROVISIONAL = 1 << 61

    def __init__(self) -> None:
        self._handles: dict[int, Handle] = {}
        self._of_inode: dict[int, list[Handle]] = {}
        self._next = 1
        self._next_provisional = self.FIRST_PROVISIONAL
        self._provisional: dict[int, Provisional] = {}
        self._waiting: dict[tuple[int, str], int] = {}

    def open(self, handle: Handle) -> int:
        number = self._next
        self._next += 1
        self._handles[number] = handle
        self._of_inode.setdefault(handle.inode, []).append(handle)
        return number

    def get(self, number: int) -> Handle:
        """Raises Failure (EBADF) for a number that no open file has."""
        try:
            return self._handles[number]
        except KeyError:
            raise Failure(errno.EBADF) from None

    def find(self, number: int) -> Handle | None:
        return self._handles.get(number)

    def close(self, number: int) -> None:
        handle = self._handles.pop(number, None)
        if handle is None:
            return
        others = [other for other in self._of_inode[handle.inode] if other is not handle]
        if others:
            self._of_inode[handle.inode] = others
        else:
            del self._of_inode[handle.inode]
            self.abandon(handle.inode)  # never flushed with success: it was never anywhere

    def of(self, inode: int) -> list[Handle]:
        """Every handle open on an inode."""
        return self._of_inode.get(inode, [])

    def dirty_on(self, inode: int, pid: int | None = None) -> Handle | None:
        """A handle with something not proposed yet; only of process `pid` when that is given."""
        if inode not in self._of_inode:
            return None
        return next((one for one in self.of(inode) if one.dirty and (pid is None or one.pid == pid)), None)

    # --- provisional files ------------------------------------------------------------------------------------------

    def make_provisional(self, parent: int, name: str) -> int:
        inode = self._next_provisional
        self._next_provisional += 1
        self._provisional[inode] = Provisional(parent, name)
        self._waiting[(parent, name)] = inode
        return inode

    def provisional(self, inode: int) -> Provisional | None:
        return self._provisional.get(inode)

    def find_waiting(self, parent: int, name: str) -> int | None:
        """The provisional file of this name that is not in the store yet."""
        return self._waiting.get((parent, name))

    def waits_in(self, parent: int) -> bool:
        return any(directory == parent for directory, _ in self._waiting)

    def settle(self, inode: int, tree_inode: int | None) -> None:
        """It is in the store now, under this inode; None: it was removed again already."""
        one = self._provisional[inode]
        self._waiting.pop((one.parent, one.name), None)
        one.tree_inode, one.abandoned = tree_inode, tree_inode is None

    def abandon(self, inode: int) -> None:
        one = self._provisional.get(inode)
        if one is not None and one.waiting:
            self.settle(inode, None)

    def forget(self, inode: int) -> None:
        """The kernel no longer knows this number."""
        if not self.of(inode):
            self.abandon(inode)
            self._provisional.pop(inode, None)
