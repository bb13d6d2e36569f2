"""The half of the file system that only looks: names, attributes, listings, links, space.

Inodes: a tree entry's inode plus one (the tree's root is 0, the kernel's is 1); virtual objects and provisional files
have numbers far above. The kernel may keep what it is told: it hears of every change (`session.py`), and asks again
after CACHE_S in case a notice and an answer crossed on the way.
"""

from __future__ import annotations

import errno
import stat
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, cast

import pyfuse3

from cluster.core.tree import ENTRIES_MAX, NAME_BYTES_MAX, TREE_SIZE_MAX, Entry
from cluster.store.mount import attributes, virtual
from cluster.store.mount.answers import failure, text_of
from cluster.store.mount.door import StoreDoor
from cluster.store.mount.handles import Handles

CACHE_S = 10.0
BLOCK_BYTES = 4096
MADE_MAX = 20_000


class LookingFileSystem(pyfuse3.Operations):
    """Requests of the kernel that change nothing, one coroutine each (fuse(4))."""

    supports_dot_lookup = False
    enable_writeback_cache = False
    enable_acl = False

    def __init__(self, door: StoreDoor) -> None:
        super().__init__()
        self._door = door
        self._gid = attributes.group_id()
        self._handles = Handles()
        self._made: dict[int, tuple[Entry, bool, pyfuse3.EntryAttributes]] = {}  # what was told of an entry as it is
        self.looked_up: dict[int, int] = {}  # inode → how often the kernel was told of it

    # --- requests ---------------------------------------------------------------------------------------------------

    async def lookup(self, parent_inode: int, name: bytes, ctx: Any = None) -> pyfuse3.EntryAttributes:
        text = text_of(name)
        if parent_inode == pyfuse3.ROOT_INODE and text in virtual.INODES:
            return self._told(self._virtual_attributes(virtual.INODES[text]))
        parent = self._tree_inode(parent_inode)
        inode = self._door.tree().children.get(parent, {}).get(text)
        if inode is not None:
            return self._told(self._attributes(self._door.tree().entries[inode]))
        waiting = self._handles.find_waiting(parent, text)
        if waiting is not None:
            return self._told(self._provisional_attributes(waiting, _pid(ctx)))
        raise failure(errno.ENOENT)

    async def getattr(self, inode: int, ctx: Any = None) -> pyfuse3.EntryAttributes:
        if virtual.is_virtual(inode):
            return self._virtual_attributes(inode)
        if self._is_waiting(inode):
            return self._provisional_attributes(inode, _pid(ctx))
        left = self._handles.of(inode)
        if left and self._tree_inode(inode) not in self._door.tree().entries:
            return self._filled(inode, stat.S_IFREG | 0o440, len(left[0].content), 0, 0.0)  # removed, still being read
        return self._attributes(self._entry(inode), inode, _pid(ctx))

    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        for inode, count in inode_list:
            left = self.looked_up.get(inode, 0) - count
            if left > 0:
                self.looked_up[inode] = left
            else:
                self.looked_up.pop(inode, None)
                self._handles.forget(inode)

    async def readlink(self, inode: int, ctx: Any) -> bytes:
        return f"nodes/{self._door.node_name}{virtual.LINKS[virtual.name_of(inode)]}".encode()

    async def opendir(self, inode: int, ctx: Any) -> int:
        self._entry(inode)
        return inode

    async def readdir(self, fh: int, start_id: int, token: Any) -> None:
        """What follows `start_id`, as many as fit. Ids come from inodes: a directory may change while it is read."""
        tree = self._door.tree()
        hidden = virtual.INODES if fh == pyfuse3.ROOT_INODE else {}
        for name, inode in hidden.items():
            if (place := inode - virtual.VIRTUAL_BASE + 1) > start_id and not self._list(
                token, name, self._virtual_attributes(inode), place
            ):
                return
        inodes = sorted(tree.children.get(self._tree_inode(fh), {}).values())
        for inode in inodes[bisect_right(inodes, start_id - len(virtual.NAMES)) :]:
            entry = tree.entries[inode]
            if entry.name not in hidden and not self._list(
                token, entry.name, self._attributes(entry), inode + len(virtual.NAMES)
            ):
                return

    async def statfs(self, ctx: Any) -> pyfuse3.StatvfsData:
        tree, told = self._door.tree(), pyfuse3.StatvfsData()
        used = -(-tree.size // BLOCK_BYTES)
        told.f_bsize = told.f_frsize = BLOCK_BYTES
        told.f_blocks = TREE_SIZE_MAX // BLOCK_BYTES
        told.f_bfree = told.f_bavail = max(0, told.f_blocks - used)
        told.f_files = ENTRIES_MAX
        told.f_ffree = told.f_favail = max(0, ENTRIES_MAX - len(tree.entries))
        told.f_namemax = NAME_BYTES_MAX
        return told

    # --- from the kernel's numbers to the tree ----------------------------------------------------------------------

    def _is_waiting(self, inode: int) -> bool:
        """Is this a file that no store has yet?"""
        one = self._handles.provisional(inode)
        return one is not None and one.waiting

    def _tree_inode(self, inode: int) -> int:
        one = self._handles.provisional(inode)
        if one is not None:
            return one.tree_inode if one.tree_inode is not None else -1
        return inode - 1

    def _entry(self, inode: int) -> Entry:
        entry = self._door.tree().entries.get(self._tree_inode(inode))
        if entry is None:
            raise failure(errno.ENOENT)
        return entry

    def _path(self, parent: int, name: str) -> str:
        """The path of a name in a directory. Raises FUSEError when the directory is gone."""
        tree = self._door.tree()
        if parent not in tree.entries:
            raise failure(errno.ENOENT)
        above = tree.path_of(parent)
        return f"{above}/{name}" if above else name

    # --- attributes -------------------------------------------------------------------------------------------------

    def _told(self, attr: pyfuse3.EntryAttributes) -> pyfuse3.EntryAttributes:
        self.looked_up[attr.st_ino] = self.looked_up.get(attr.st_ino, 0) + 1
        return attr

    def _list(self, token: Any, name: str, attr: pyfuse3.EntryAttributes, place: int) -> bool:
        if not pyfuse3.readdir_reply(token, name.encode(), attr, place):
            return False
        self._told(attr)
        return True

    def _attributes(self, entry: Entry, inode: int | None = None, pid: int = 0) -> pyfuse3.EntryAttributes:
        """What is committed; to a process that is writing the file, the size of what it wrote so far."""
        number = entry.inode + 1 if inode is None else inode
        if self._handles.dirty_on(number) is not None:
            size = self._size_written(number, pid, entry.size)
            return self._filled(number, self._mode(entry), size, entry.mtime_s, 0.0)
        writable = self._door.writable()
        made = self._made.get(number)
        if made is None or made[0] is not entry or made[1] != writable:
            if len(self._made) >= MADE_MAX:
                self._made.clear()
            attr = self._filled(number, self._mode(entry), entry.size, entry.mtime_s, CACHE_S)
            made = self._made[number] = (entry, writable, attr)
        return made[2]

    def _mode(self, entry: Entry) -> int:
        path = self._door.tree().path_of(entry.inode)
        return attributes.mode_of(path, is_dir=entry.is_dir, writable=self._door.writable())

    def _provisional_attributes(self, inode: int, pid: int) -> pyfuse3.EntryAttributes:
        one = self._handles.provisional(inode)
        assert one is not None
        mode = attributes.mode_of(self._path(one.parent, one.name), is_dir=False, writable=True)
        return self._filled(inode, mode, self._size_written(inode, pid, 0), 0, 0.0)

    def _size_written(self, inode: int, pid: int, committed: int) -> int:
        own = self._handles.dirty_on(inode, pid) if pid else None
        return len(own.buffer) if own is not None and own.buffer is not None else committed

    def _virtual_attributes(self, inode: int) -> pyfuse3.EntryAttributes:
        name = virtual.name_of(inode)
        if name in virtual.LINKS:
            return self._filled(inode, attributes.symlink_mode(writable=self._door.writable()), 0, 0, 0.0)
        bits = attributes.VIRTUAL_WRITABLE if name == ".debug" else attributes.VIRTUAL_READ_ONLY
        return self._filled(inode, stat.S_IFREG | bits, len(self._door.virtual(name)), 0, 0.0)

    def _filled(self, inode: int, mode: int, size: int, mtime_s: int, cache_s: float) -> pyfuse3.EntryAttributes:
        attr = pyfuse3.EntryAttributes()
        attr.st_ino = cast(Any, inode)
        attr.st_mode, attr.st_size = cast(Any, mode), size
        attr.st_nlink = 2 if stat.S_ISDIR(mode) else 1
        attr.st_uid, attr.st_gid = 0, self._gid
        attr.st_atime_ns = attr.st_mtime_ns = attr.st_ctime_ns = mtime_s * 10**9
        attr.st_blksize, attr.st_blocks = BLOCK_BYTES, -(-size // 512)
        attr.generation = 0
        attr.entry_timeout = attr.attr_timeout = cache_s
        return attr


def _pid(ctx: Any) -> int:
    return int(ctx.pid) if ctx is not None else 0
