"""The file system the kernel talks to: each request is answered from the committed tree or proposed as one change.

Inodes: a tree entry's inode plus one (the tree's root is 0, the kernel's is 1); virtual objects and provisional files
have numbers far above. Writes gather in their handle and are proposed at flush, so `close() == 0` is the
acknowledgement. The kernel may cache for as long as it likes: it is told of every change (`session.py`).
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Sequence
from typing import Any, cast

import pyfuse3

from cluster.core.operations import Mkdir, Remove, Rename, Touch, Write
from cluster.core.tree import ENTRIES_MAX, FILE_SIZE_MAX, NAME_BYTES_MAX, TREE_SIZE_MAX, AnyOperation, Entry
from cluster.errors import Busy, NoQuorum, QuireError, StoreRefusal
from cluster.store.mount import attributes
from cluster.store.mount.door import StoreDoor
from cluster.store.mount.handles import Handle, Handles, Provisional

CACHE_S = 3600.0
PROPOSALS_MAX = 48  # of pyfuse3's 99 workers: the rest stay free for reading
BLOCK_BYTES = 4096
VIRTUAL_BASE = 1 << 62
LINKS = {"local": "", "qemu-server": "/qemu-server", "lxc": "/lxc", "openvz": "/openvz"}
VIRTUAL_FILES = (".version", ".members", ".vmlist", ".clusterlog", ".rrd", ".debug")
VIRTUAL = (*LINKS, *VIRTUAL_FILES)


class StoreFileSystem(pyfuse3.Operations):
    """Requests of the kernel, one coroutine each (fuse(4)). Knows the store through `StoreDoor` only."""

    supports_dot_lookup = False
    enable_writeback_cache = False
    enable_acl = False

    def __init__(self, door: StoreDoor) -> None:
        super().__init__()
        self._door = door
        self._gid = attributes.group_id()
        self._handles = Handles()
        self._proposing = 0
        self.looked_up: dict[int, int] = {}  # inode → how often the kernel was told of it

    # --- finding ----------------------------------------------------------------------------------------------------

    async def lookup(self, parent_inode: int, name: bytes, ctx: Any = None) -> pyfuse3.EntryAttributes:
        text = _text(name)
        if parent_inode == pyfuse3.ROOT_INODE and text in VIRTUAL:
            return self._told(self._virtual_attributes(VIRTUAL_BASE + VIRTUAL.index(text)))
        parent = self._tree_inode(parent_inode)
        inode = self._door.tree().children.get(parent, {}).get(text)
        if inode is not None:
            return self._told(self._attributes(self._door.tree().entries[inode]))
        provisional = self._handles.find_provisional(parent, text)
        if provisional is not None:
            return self._told(self._provisional_attributes(provisional))
        raise pyfuse3.FUSEError(errno.ENOENT)

    async def getattr(self, inode: int, ctx: Any = None) -> pyfuse3.EntryAttributes:
        if inode >= VIRTUAL_BASE:
            return self._virtual_attributes(inode)
        waiting = self._handles.provisional.get(inode)
        if waiting is not None and waiting.tree_inode is None:
            return self._provisional_attributes(inode)
        return self._attributes(self._entry(inode), inode)

    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        for inode, count in inode_list:
            left = self.looked_up.get(inode, 0) - count
            if left > 0:
                self.looked_up[inode] = left
            else:
                self.looked_up.pop(inode, None)
                if not self._handles.of(inode):
                    self._handles.provisional.pop(inode, None)

    async def readlink(self, inode: int, ctx: Any) -> bytes:
        name = VIRTUAL[inode - VIRTUAL_BASE]
        return f"nodes/{self._door.node_name}{LINKS[name]}".encode()

    async def opendir(self, inode: int, ctx: Any) -> int:
        self._entry(inode)
        return inode

    async def readdir(self, fh: int, start_id: int, token: Any) -> None:
        tree = self._door.tree()
        names: list[pyfuse3.EntryAttributes] = []
        if fh == pyfuse3.ROOT_INODE:
            names += [self._virtual_attributes(VIRTUAL_BASE + number) for number in range(len(VIRTUAL))]
        shown = list(VIRTUAL) if fh == pyfuse3.ROOT_INODE else []
        for name, inode in sorted(tree.children.get(self._tree_inode(fh), {}).items()):
            if name not in shown or fh != pyfuse3.ROOT_INODE:
                shown.append(name)
                names.append(self._attributes(tree.entries[inode]))
        for number in range(start_id, len(shown)):
            if not pyfuse3.readdir_reply(token, shown[number].encode(), names[number], number + 1):
                break
            self._told(names[number])

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

    # --- reading and writing ----------------------------------------------------------------------------------------

    async def open(self, inode: int, flags: int, ctx: Any) -> pyfuse3.FileInfo:
        if inode >= VIRTUAL_BASE:
            content = self._door.virtual(VIRTUAL[inode - VIRTUAL_BASE])
            return pyfuse3.FileInfo(fh=self._handles.open(Handle(inode, ctx.uid, virtual=content)), direct_io=True)
        if flags & (os.O_WRONLY | os.O_RDWR) and not self._door.writable():
            raise pyfuse3.FUSEError(errno.EACCES)
        handle = Handle(inode, ctx.uid, append=bool(flags & os.O_APPEND))
        if flags & os.O_TRUNC:
            handle.buffer, handle.dirty = bytearray(), True
        else:
            self._content(inode)
        return pyfuse3.FileInfo(fh=self._handles.open(handle), keep_cache=True)

    async def create(
        self, parent_inode: int, name: bytes, mode: int, flags: int, ctx: Any
    ) -> tuple[pyfuse3.FileInfo, pyfuse3.EntryAttributes]:
        text, parent = self._new_name(parent_inode, name)
        if flags & os.O_EXCL:
            await self._propose([Write(self._path(parent, text), b"", create=True)], ctx.uid)
            entry = self._door.tree().entries[self._door.tree().children[parent][text]]
            number = self._handles.open(Handle(entry.inode + 1, ctx.uid))
            return pyfuse3.FileInfo(fh=number, keep_cache=True), self._told(self._attributes(entry))
        inode = self._handles.make_provisional(parent, text)
        handle = Handle(inode, ctx.uid, append=bool(flags & os.O_APPEND), buffer=bytearray(), dirty=True)
        return pyfuse3.FileInfo(fh=self._handles.open(handle)), self._told(self._provisional_attributes(inode))

    async def read(self, fh: int, off: int, size: int) -> bytes:
        handle = self._handles.get(fh)
        if handle.virtual is not None:
            return handle.virtual[off : off + size]
        if handle.buffer is not None and handle.dirty:
            return bytes(handle.buffer[off : off + size])
        return self._content(handle.inode)[off : off + size]

    async def write(self, fh: int, off: int, buf: bytes) -> int:
        handle = self._handles.get(fh)
        if handle.virtual is not None:
            return self._write_virtual(handle, off, buf)
        if not self._door.writable():
            raise pyfuse3.FUSEError(errno.EACCES)
        buffer = self._buffer(handle)
        off = len(buffer) if handle.append else off
        if off + len(buf) > FILE_SIZE_MAX:
            raise pyfuse3.FUSEError(errno.EFBIG)
        if off > len(buffer):
            buffer.extend(bytes(off - len(buffer)))
        buffer[off : off + len(buf)] = buf
        handle.dirty = True
        return len(buf)

    async def flush(self, fh: int) -> None:
        await self._flush(self._handles.get(fh))

    async def fsync(self, fh: int, datasync: bool) -> None:
        await self._flush(self._handles.get(fh))

    async def release(self, fh: int) -> None:
        self._handles.close(fh)

    # --- changing names and attributes ------------------------------------------------------------------------------

    async def setattr(
        self, inode: int, attr: pyfuse3.EntryAttributes, fields: Any, fh: int | None, ctx: Any
    ) -> pyfuse3.EntryAttributes:
        if inode >= VIRTUAL_BASE:
            return self._virtual_attributes(inode)
        path, is_dir = self._path_of(inode), self._is_dir(inode)
        if fields.update_mode and not attributes.accepts_mode(path, attr.st_mode, is_dir=is_dir):
            raise pyfuse3.FUSEError(errno.EPERM)
        if (fields.update_uid and attr.st_uid != 0) or (fields.update_gid and attr.st_gid != self._gid):
            raise pyfuse3.FUSEError(errno.EPERM)
        if fields.update_size:
            await self._cut(inode, attr.st_size, fh, ctx.uid)
        if fields.update_mtime:
            await self._set_mtime(inode, attr.st_mtime_ns // 10**9, fh, ctx.uid)
        return await self.getattr(inode)

    async def mkdir(self, parent_inode: int, name: bytes, mode: int, ctx: Any) -> pyfuse3.EntryAttributes:
        text, parent = self._new_name(parent_inode, name)
        await self._propose([Mkdir(self._path(parent, text))], ctx.uid)
        return await self.lookup(parent_inode, name)

    async def unlink(self, parent_inode: int, name: bytes, ctx: Any) -> None:
        text, parent = self._new_name(parent_inode, name)
        provisional = self._handles.find_provisional(parent, text)
        if provisional is not None:
            for handle in self._handles.of(provisional):
                handle.dirty = False
            del self._handles.provisional[provisional]
            return
        await self._propose([Remove(self._path(parent, text))], ctx.uid)

    async def rmdir(self, parent_inode: int, name: bytes, ctx: Any) -> None:
        text, parent = self._new_name(parent_inode, name)
        await self._propose([Remove(self._path(parent, text))], ctx.uid)

    async def rename(
        self, parent_inode_old: int, name_old: bytes, parent_inode_new: int, name_new: bytes, flags: int, ctx: Any
    ) -> None:
        if flags:
            raise pyfuse3.FUSEError(errno.EINVAL)
        old, old_parent = self._new_name(parent_inode_old, name_old)
        new, new_parent = self._new_name(parent_inode_new, name_new)
        provisional = self._handles.find_provisional(old_parent, old)
        if provisional is not None:
            for handle in self._handles.of(provisional):
                await self._flush(handle)
        await self._propose([Rename(self._path(old_parent, old), self._path(new_parent, new))], ctx.uid)

    async def symlink(self, parent_inode: int, name: bytes, target: bytes, ctx: Any) -> pyfuse3.EntryAttributes:
        raise pyfuse3.FUSEError(errno.EPERM)

    async def link(self, inode: int, new_parent_inode: int, new_name: bytes, ctx: Any) -> pyfuse3.EntryAttributes:
        raise pyfuse3.FUSEError(errno.EPERM)

    # --- inside: proposing ------------------------------------------------------------------------------------------

    async def _propose(self, operations: Sequence[AnyOperation], uid: int) -> None:
        if not self._door.writable():
            raise pyfuse3.FUSEError(errno.EACCES)
        if self._proposing >= PROPOSALS_MAX:
            raise pyfuse3.FUSEError(errno.EBUSY)
        self._proposing += 1
        try:
            await self._door.propose(operations, uid)
        except QuireError as error:
            raise pyfuse3.FUSEError(errno_of(error)) from error
        except asyncio.CancelledError:
            raise pyfuse3.FUSEError(errno.EIO) from None
        finally:
            self._proposing -= 1

    async def _flush(self, handle: Handle) -> None:
        """Propose what was written through a handle, once."""
        if not handle.dirty or handle.buffer is None:
            return
        waiting = self._handles.provisional.get(handle.inode)
        path = self._flush_path(handle, waiting)
        if path is None:
            handle.dirty = False
            return  # removed meanwhile: what is written to a file without a name goes nowhere
        operations: list[AnyOperation] = [Write(path, bytes(handle.buffer))]
        if handle.mtime_s is not None:
            operations.append(Touch(path, handle.mtime_s))
        handle.dirty = False
        try:
            await self._propose(operations, handle.uid)
        except pyfuse3.FUSEError:
            handle.dirty = True
            raise
        handle.mtime_s, handle.buffer = None, None
        if waiting is not None and waiting.tree_inode is None:
            entry = self._door.tree().find(path)
            waiting.tree_inode = entry.inode if entry is not None else None

    def _flush_path(self, handle: Handle, waiting: Provisional | None) -> str | None:
        if waiting is not None and waiting.tree_inode is None:
            return self._path(waiting.parent, waiting.name)
        entry = self._door.tree().entries.get(self._tree_inode(handle.inode))
        return self._door.tree().path_of(entry.inode) if entry is not None else None

    async def _cut(self, inode: int, size: int, fh: int | None, uid: int) -> None:
        if size > FILE_SIZE_MAX:
            raise pyfuse3.FUSEError(errno.EFBIG)
        if fh is not None:
            handle = self._handles.get(fh)
            buffer = self._buffer(handle)
            buffer[:] = buffer[:size].ljust(size, b"\0")
            handle.dirty = True
            return
        content = self._content(inode)
        await self._propose([Write(self._path_of(inode), content[:size].ljust(size, b"\0"))], uid)

    async def _set_mtime(self, inode: int, mtime_s: int, fh: int | None, uid: int) -> None:
        handle = self._handles.get(fh) if fh is not None else self._handles.dirty_on(inode)
        if handle is not None and handle.dirty:
            handle.mtime_s = mtime_s
        else:
            await self._propose([Touch(self._path_of(inode), mtime_s)], uid)

    def _write_virtual(self, handle: Handle, off: int, buf: bytes) -> int:
        if VIRTUAL[handle.inode - VIRTUAL_BASE] != ".debug" or off or buf[:2] not in (b"0\n", b"1\n"):
            raise pyfuse3.FUSEError(errno.EIO)
        self._door.set_debug(buf[:1] == b"1")
        return len(buf)

    # --- inside: looking --------------------------------------------------------------------------------------------

    def _tree_inode(self, inode: int) -> int:
        waiting = self._handles.provisional.get(inode)
        if waiting is not None:
            return waiting.tree_inode if waiting.tree_inode is not None else -1
        return inode - 1

    def _entry(self, inode: int) -> Entry:
        entry = self._door.tree().entries.get(self._tree_inode(inode))
        if entry is None:
            raise pyfuse3.FUSEError(errno.ENOENT)
        return entry

    def _content(self, inode: int) -> bytes:
        waiting = self._handles.provisional.get(inode)
        if waiting is not None and waiting.tree_inode is None:
            dirty = self._handles.dirty_on(inode)
            return bytes(dirty.buffer) if dirty is not None and dirty.buffer is not None else b""
        data = self._entry(inode).data
        if data is None:
            raise pyfuse3.FUSEError(errno.EISDIR)
        return data

    def _buffer(self, handle: Handle) -> bytearray:
        """The bytes a handle works on; what is committed now is where they start."""
        if handle.buffer is None:
            return handle.begin(self._content(handle.inode))
        return handle.buffer

    def _new_name(self, parent_inode: int, name: bytes) -> tuple[str, int]:
        """A name that may be changed, and its directory in the tree."""
        text = _text(name)
        if parent_inode == pyfuse3.ROOT_INODE and text in VIRTUAL:
            raise pyfuse3.FUSEError(errno.EACCES)
        return text, self._entry(parent_inode).inode

    def _path(self, parent: int, name: str) -> str:
        above = self._door.tree().path_of(parent)
        return f"{above}/{name}" if above else name

    def _path_of(self, inode: int) -> str:
        waiting = self._handles.provisional.get(inode)
        if waiting is not None and waiting.tree_inode is None:
            return self._path(waiting.parent, waiting.name)
        return self._door.tree().path_of(self._entry(inode).inode)

    def _is_dir(self, inode: int) -> bool:
        entry = self._door.tree().entries.get(self._tree_inode(inode))
        return entry is not None and entry.is_dir

    def _told(self, attr: pyfuse3.EntryAttributes) -> pyfuse3.EntryAttributes:
        self.looked_up[attr.st_ino] = self.looked_up.get(attr.st_ino, 0) + 1
        return attr

    # --- inside: attributes -----------------------------------------------------------------------------------------

    def _attributes(self, entry: Entry, inode: int | None = None) -> pyfuse3.EntryAttributes:
        path = self._door.tree().path_of(entry.inode)
        mode = attributes.mode_of(path, is_dir=entry.is_dir, writable=self._door.writable())
        number = entry.inode + 1 if inode is None else inode
        dirty = self._handles.dirty_on(number) if not entry.is_dir else None
        size = len(dirty.buffer) if dirty is not None and dirty.buffer is not None else entry.size
        return self._filled(number, mode, size, entry.mtime_s, CACHE_S if dirty is None else 0.0)

    def _provisional_attributes(self, inode: int) -> pyfuse3.EntryAttributes:
        waiting = self._handles.provisional[inode]
        mode = attributes.mode_of(self._path(waiting.parent, waiting.name), is_dir=False, writable=True)
        return self._filled(inode, mode, len(self._content(inode)), 0, 0.0)

    def _virtual_attributes(self, inode: int) -> pyfuse3.EntryAttributes:
        name = VIRTUAL[inode - VIRTUAL_BASE]
        if name in LINKS:
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


def errno_of(error: QuireError) -> int:
    """What a file system call answers for an error of the store. Never EPERM or EBUSY for an unknown outcome."""
    if isinstance(error, StoreRefusal):
        return error.errno
    if isinstance(error, NoQuorum):
        return errno.EACCES
    if isinstance(error, Busy):
        return errno.EBUSY
    return errno.EIO


def _text(name: bytes) -> str:
    if len(name) > NAME_BYTES_MAX:
        raise pyfuse3.FUSEError(errno.ENAMETOOLONG)
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise pyfuse3.FUSEError(errno.EILSEQ) from None
