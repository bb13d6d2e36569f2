"""The half of the file system that only looks: names, attributes, listings, links, space.

Every method is called with the mount's lock held, and answers at once or `Later`. The kernel may keep what it is told:
it hears of every change (`notices.py`), and asks again after CACHE_S all the same.
"""

from __future__ import annotations

import stat
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import TypeVar

from cluster.core.entry import ENTRIES_MAX, NAME_BYTES_MAX, ROOT, TREE_SIZE_MAX, Entry
from cluster.store.mount import attributes, protocol, virtual
from cluster.store.mount.answers import Later, after, text_of
from cluster.store.mount.door import StoreDoor
from cluster.store.mount.handles import Handles
from cluster.store.mount.protocol import BLOCK_BYTES, Attributes, Request, directory_entry, entry_out
from cluster.store.mount.view import View, node_of

CACHE_S = 10
MADE_MAX = 20_000
T = TypeVar("T")
FIRST_OFFSET = len((".", "..")) + len(virtual.NAMES)  # of a tree entry in a listing: its inode comes on top
Listed = tuple[Attributes | None, bytes]
NO_ATTRIBUTES = entry_out(protocol.no_inode(0))


class LookingFileSystem:
    """What changes nothing, one method for each request. A `node` is the kernel's number of an inode."""

    def __init__(self, door: StoreDoor, view: View) -> None:
        self._door, self._view = door, view
        self._gid = attributes.group_id()
        self._handles = Handles()
        self._made: dict[int, tuple[Entry, bool, Attributes]] = {}  # what was told of an entry as it is

    # --- requests ---------------------------------------------------------------------------------------------------

    def lookup(self, parent: int, name: bytes, asker: Request) -> Attributes | Later[Attributes]:
        text = text_of(name)
        directory = self._tree_inode(parent)
        if self._view.hides(directory, text):
            return after(self._virtual(virtual.INODES[text], (parent,)), self._told)
        entry = self._view.child(directory, text)
        if entry is not None:
            return self._told(self._attributes(entry))
        waiting = self._handles.find_waiting(directory, text)
        if waiting is not None:
            return self._told(self._provisional_attributes(waiting, asker.pid))
        return protocol.no_inode(CACHE_S)

    def getattr(self, node: int, asker: Request, handle: int = 0) -> Attributes | Later[Attributes]:
        if virtual.is_virtual(node):
            return self._virtual(node)
        if self._is_waiting(node):
            return self._provisional_attributes(node, asker.pid, handle)
        removed = self._view.removed(self._tree_inode(node))
        if removed is not None:
            kind = stat.S_IFDIR if removed.is_dir else stat.S_IFREG
            return self._filled(node, kind | 0o440, removed.size, removed.mtime_s, 0)
        return self._attributes(self._view.entry(self._tree_inode(node)), node, asker.pid, handle)

    def forget(self, node: int, count: int) -> None:
        if self._view.forget(node, count):
            self._made.pop(node, None)
            self._handles.forget(node)

    def readlink(self, node: int) -> bytes:
        return f"nodes/{self._door.node_name}{virtual.LINKS[virtual.name_of(node)]}".encode()

    def readdir(self, node: int, offset: int, size: int, *, with_attributes: bool) -> bytes:
        """What follows `offset`, as much as fits. Offsets come from inodes: a directory may change meanwhile."""
        directory = self._view.entry(self._tree_inode(node))
        listed: list[bytes] = []
        for told, one in self._listing(directory, offset, with_attributes):
            size -= len(one)
            if size < 0:
                break
            listed.append(one)
            if told is not None:
                self._told(told)
        return b"".join(listed)

    def _listing(self, directory: Entry, offset: int, with_attributes: bool) -> Iterator[Listed]:
        fixed = [(".", node_of(directory.inode), stat.S_IFDIR), ("..", node_of(directory.parent), stat.S_IFDIR)]
        if directory.inode == ROOT:
            fixed += [(name, node, virtual.kind_of(node)) for name, node in virtual.INODES.items()]
        for place, (name, node, kind) in enumerate(fixed[offset:], offset + 1):
            one = directory_entry(node, place, name.encode(), kind)
            yield None, NO_ATTRIBUTES + one if with_attributes else one
        tree = self._view.tree
        above, inodes = tree.path_of(directory.inode), sorted(tree.children[directory.inode].values())
        for inode in inodes[bisect_right(inodes, offset - FIRST_OFFSET) :]:
            entry = tree.entries[inode]
            name, kind = entry.name, stat.S_IFDIR if entry.data is None else stat.S_IFREG
            if not above and name in virtual.INODES:
                continue
            one = directory_entry(node_of(inode), inode + FIRST_OFFSET, name.encode(), kind)
            if with_attributes:
                told = self._attributes(entry, path=f"{above}/{name}" if above else name)
                yield told, entry_out(told) + one
            else:
                yield None, one

    def statfs(self) -> bytes:
        tree = self._view.tree
        blocks, used = TREE_SIZE_MAX // BLOCK_BYTES, -(-tree.size // BLOCK_BYTES)
        free, files = max(0, blocks - used), max(0, ENTRIES_MAX - len(tree.entries))
        return protocol.STATFS_OUT.pack(
            blocks, free, free, ENTRIES_MAX, files, BLOCK_BYTES, NAME_BYTES_MAX, BLOCK_BYTES, 0
        )

    # --- from the kernel's numbers to the tree ----------------------------------------------------------------------

    def _is_provisional(self, node: int) -> bool:
        return self._handles.provisional(node) is not None

    def _is_waiting(self, node: int) -> bool:
        """Is this a file that no store has yet?"""
        one = self._handles.provisional(node)
        return one is not None and one.waiting

    def _tree_inode(self, node: int) -> int:
        one = self._handles.provisional(node)
        if one is not None:
            return one.tree_inode if one.tree_inode is not None else -1
        return node - 1

    def _entry_or_removed(self, node: int) -> Entry:
        """Also what was removed while the kernel still knows it."""
        inode = self._tree_inode(node)
        return self._view.removed(inode) or self._view.entry(inode)

    # --- attributes -------------------------------------------------------------------------------------------------

    def _told(self, told: Attributes) -> Attributes:
        self._view.told(told.inode)
        return told

    def _attributes(
        self, entry: Entry, node: int | None = None, pid: int = 0, handle: int = 0, path: str | None = None
    ) -> Attributes:
        """What is committed; to a process that is writing the file, the size of what it wrote so far."""
        number = entry.inode + 1 if node is None else node
        writable, writer = self._view.writable, self._handles.dirty_on(number)
        made = self._made.get(number)
        if made is not None and made[0] is entry and made[1] == writable and writer is None:
            return made[2]
        mode = attributes.mode_of(path or self._view.tree.path_of(entry.inode), is_dir=entry.is_dir, writable=writable)
        if writer is not None:
            return self._filled(number, mode, self._size_written(number, pid, handle, entry.size), entry.mtime_s, 0)
        if len(self._made) >= MADE_MAX:
            self._made.clear()
        told = self._filled(number, mode, entry.size, entry.mtime_s, CACHE_S)
        self._made[number] = (entry, writable, told)
        return told

    def _provisional_attributes(self, node: int, pid: int, handle: int = 0) -> Attributes:
        one = self._handles.provisional(node)
        assert one is not None
        mode = attributes.mode_of(self._view.path(one.parent, one.name), is_dir=False, writable=True)
        return self._filled(node, mode, self._size_written(node, pid, handle, 0), 0, 0)

    def _size_written(self, node: int, pid: int, handle: int, committed: int) -> int:
        own = self._handles.find(handle) or (self._handles.dirty_on(node, pid) if pid else None)
        return len(own.buffer) if own is not None and own.buffer is not None else committed

    def _virtual(self, node: int, holds: tuple[int, ...] = ()) -> Attributes | Later[Attributes]:
        name = virtual.name_of(node)
        if name in virtual.LINKS:
            return self._filled(node, attributes.symlink_mode(writable=self._view.writable), 0, 0, CACHE_S)
        bits = attributes.VIRTUAL_WRITABLE if name == ".debug" else attributes.VIRTUAL_READ_ONLY
        return self._content_made(
            name, lambda content: self._filled(node, stat.S_IFREG | bits, len(content), 0, 0), holds
        )

    def _content_made(self, name: str, then: Callable[[bytes], T], holds: tuple[int, ...] = ()) -> Later[T]:
        """A virtual file is made of what only the event loop may look at."""

        async def make() -> bytes:
            return self._door.virtual(name)

        return Later(make, then, holds)

    def _filled(self, node: int, mode: int, size: int, mtime_s: int, cache_s: int) -> Attributes:
        return protocol.pack_attributes(node, mode, size, mtime_s, self._gid, cache_s)
