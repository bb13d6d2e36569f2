"""The half of the file system that opens, reads and changes. `looking.py` is the other half.

Writes gather in their handle and are proposed at flush, so `close() == 0` is the acknowledgement. Until then only the
process that writes sees any of it: a writing handle goes past the kernel's page cache, which readers share.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence
from typing import Any

import pyfuse3

from cluster.core.operations import AnyOperation, Mkdir, Remove, Rename, Touch, Write
from cluster.core.tree import ENTRIES_MAX, FILE_SIZE_MAX, TREE_SIZE_MAX
from cluster.errors import QuireError, StoreRefusal
from cluster.store.mount import attributes, virtual
from cluster.store.mount.answers import errno_of, failure, text_of
from cluster.store.mount.door import StoreDoor
from cluster.store.mount.handles import Handle
from cluster.store.mount.looking import LookingFileSystem

PROPOSALS_MAX = 48  # of pyfuse3's 99 workers: the rest stay free for reading
WRITING = os.O_WRONLY | os.O_RDWR


class StoreFileSystem(LookingFileSystem):
    """Requests of the kernel, one coroutine each. Knows the store through `StoreDoor` only."""

    def __init__(self, door: StoreDoor) -> None:
        super().__init__(door)
        self._proposing = 0

    # --- reading and writing ----------------------------------------------------------------------------------------

    async def open(self, inode: int, flags: int, ctx: Any) -> pyfuse3.FileInfo:
        if virtual.is_virtual(inode):
            content = self._door.virtual(virtual.name_of(inode))
            return pyfuse3.FileInfo(fh=self._handles.open(Handle(inode, ctx.uid, virtual=content)), direct_io=True)
        if not flags & WRITING:
            handle = Handle(inode, ctx.uid, content=self._content(inode))
            return pyfuse3.FileInfo(fh=self._handles.open(handle), keep_cache=True)
        self._check_writable()
        handle = Handle(inode, ctx.uid, ctx.pid, bool(flags & os.O_APPEND), self._content(inode))
        if flags & os.O_TRUNC:
            handle.buffer, handle.dirty = bytearray(), True
        return pyfuse3.FileInfo(fh=self._handles.open(handle), direct_io=True)

    async def create(
        self, parent_inode: int, name: bytes, mode: int, flags: int, ctx: Any
    ) -> tuple[pyfuse3.FileInfo, pyfuse3.EntryAttributes]:
        text, parent = self._changeable(parent_inode, name)
        self._check_new(parent, text)
        if flags & os.O_EXCL:
            await self._propose([Write(self._path(parent, text), b"", create=True)], ctx.uid)
            attr = await self.lookup(parent_inode, name)
            inode = int(attr.st_ino)
        else:
            inode = self._handles.make_provisional(parent, text)
        handle = Handle(inode, ctx.uid, ctx.pid, bool(flags & os.O_APPEND))
        if self._is_waiting(inode):
            handle.buffer, handle.dirty = bytearray(), True
            attr = self._told(self._provisional_attributes(inode, ctx.pid))
        return pyfuse3.FileInfo(fh=self._handles.open(handle), direct_io=True), attr

    async def read(self, fh: int, off: int, size: int) -> bytes:
        handle = self._handles.get(fh)
        if handle.virtual is not None:
            return handle.virtual[off : off + size]
        if handle.buffer is not None:
            return bytes(handle.buffer[off : off + size])
        entry = self._door.tree().entries.get(self._tree_inode(handle.inode))
        content = entry.data if entry is not None and entry.data is not None else handle.content
        return content[off : off + size]

    async def write(self, fh: int, off: int, buf: bytes) -> int:
        handle = self._handles.get(fh)
        if handle.virtual is not None:
            return self._write_virtual(handle, off, buf)
        self._check_writable()
        buffer = self._buffer(handle)
        off = len(buffer) if handle.append else off
        self._check_room(handle.inode, off + len(buf))
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
        if virtual.is_virtual(inode):
            return self._virtual_attributes(inode)
        path, is_dir = self._path_of(inode)
        if fields.update_mode and not attributes.accepts_mode(path, attr.st_mode, is_dir=is_dir):
            raise failure(errno.EPERM)
        if (fields.update_uid and attr.st_uid != 0) or (fields.update_gid and attr.st_gid != self._gid):
            raise failure(errno.EPERM)
        if fields.update_size:
            await self._cut(inode, attr.st_size, fh, ctx.uid)
        if fields.update_mtime:
            await self._set_mtime(inode, path, attr.st_mtime_ns // 10**9, fh, ctx.uid)
        return await self.getattr(inode, ctx)

    async def mkdir(self, parent_inode: int, name: bytes, mode: int, ctx: Any) -> pyfuse3.EntryAttributes:
        text, parent = self._changeable(parent_inode, name)
        await self._propose([Mkdir(self._path(parent, text))], ctx.uid)
        return await self.lookup(parent_inode, name)

    async def unlink(self, parent_inode: int, name: bytes, ctx: Any) -> None:
        text, parent = self._changeable(parent_inode, name)
        waiting = self._handles.find_waiting(parent, text)
        if waiting is not None:
            self._handles.abandon(waiting)
        if waiting is None or text in self._door.tree().children.get(parent, {}):
            await self._propose([Remove(self._path(parent, text))], ctx.uid)

    async def rmdir(self, parent_inode: int, name: bytes, ctx: Any) -> None:
        text, parent = self._changeable(parent_inode, name)
        inode = self._door.tree().children.get(parent, {}).get(text)
        if inode is not None and self._handles.waits_in(inode):
            raise failure(errno.ENOTEMPTY)
        await self._propose([Remove(self._path(parent, text))], ctx.uid)

    async def rename(
        self, parent_inode_old: int, name_old: bytes, parent_inode_new: int, name_new: bytes, flags: int, ctx: Any
    ) -> None:
        if flags:
            raise failure(errno.EINVAL)
        old, old_parent = self._changeable(parent_inode_old, name_old)
        new, new_parent = self._changeable(parent_inode_new, name_new)
        moved = self._handles.find_waiting(old_parent, old)
        for handle in self._handles.of(moved) if moved is not None else ():
            await self._flush(handle)
        replaced = self._handles.find_waiting(new_parent, new)
        await self._propose([Rename(self._path(old_parent, old), self._path(new_parent, new))], ctx.uid)
        if replaced is not None:
            self._handles.abandon(replaced)

    async def symlink(self, parent_inode: int, name: bytes, target: bytes, ctx: Any) -> pyfuse3.EntryAttributes:
        raise failure(errno.EPERM)

    async def link(self, inode: int, new_parent_inode: int, new_name: bytes, ctx: Any) -> pyfuse3.EntryAttributes:
        raise failure(errno.EPERM)

    async def mknod(self, parent_inode: int, name: bytes, mode: int, rdev: int, ctx: Any) -> pyfuse3.EntryAttributes:
        raise failure(errno.EPERM)

    # --- inside: proposing ------------------------------------------------------------------------------------------

    async def _propose(self, operations: Sequence[AnyOperation], uid: int) -> None:
        self._check_writable()
        if self._proposing >= PROPOSALS_MAX:
            raise failure(errno.EBUSY)
        self._proposing += 1
        try:
            await self._door.propose(operations, uid)
        except QuireError as error:
            raise failure(errno_of(error)) from error
        except asyncio.CancelledError:
            raise failure(errno.EIO) from None
        finally:
            self._proposing -= 1

    async def _flush(self, handle: Handle) -> None:
        """Propose what was written through a handle, once. What is written while that is under way is for the next."""
        path = self._flush_path(handle) if handle.dirty else None
        if path is None or handle.buffer is None:
            handle.dirty = False
            return
        operations: list[AnyOperation] = [Write(path, bytes(handle.buffer))]
        if handle.mtime_s is not None:
            operations.append(Touch(path, handle.mtime_s))
        handle.dirty = False
        try:
            await self._propose(operations, handle.uid)
        except pyfuse3.FUSEError:
            handle.dirty = True
            raise
        if not handle.dirty:
            handle.mtime_s, handle.buffer = None, None
        entry = self._door.tree().find(path)
        if entry is not None and entry.data is not None:
            handle.content = entry.data
        if self._is_waiting(handle.inode):
            self._handles.settle(handle.inode, entry.inode if entry is not None else None)

    def _flush_path(self, handle: Handle) -> str | None:
        """Where a handle's content goes; None when its file was removed: then it goes nowhere, as on any disk."""
        one = self._handles.provisional(handle.inode)
        if one is not None and one.waiting:
            return self._path(one.parent, one.name)
        tree, inode = self._door.tree(), self._tree_inode(handle.inode)
        return tree.path_of(inode) if inode in tree.entries else None

    async def _cut(self, inode: int, size: int, fh: int | None, uid: int) -> None:
        self._check_room(inode, size)
        if fh is not None:
            handle = self._handles.get(fh)
            buffer = self._buffer(handle)
            buffer[:] = buffer[:size].ljust(size, b"\0")
            handle.dirty = True
            return
        content, path = self._content(inode), self._path_of(inode)[0]
        await self._propose([Write(path, content[:size].ljust(size, b"\0"))], uid)

    async def _set_mtime(self, inode: int, path: str, mtime_s: int, fh: int | None, uid: int) -> None:
        handle = self._handles.get(fh) if fh is not None else self._handles.dirty_on(inode)
        if handle is not None and handle.dirty:
            handle.mtime_s = mtime_s
        elif mtime_s == 0 and await self._door.unlock(path, uid):
            raise failure(errno.EACCES)  # what was asked for was not a time but the end of a lock
        else:
            await self._propose([Touch(path, mtime_s)], uid)

    def _write_virtual(self, handle: Handle, off: int, buf: bytes) -> int:
        if virtual.name_of(handle.inode) != ".debug" or off or buf[:2] not in (b"0\n", b"1\n"):
            raise failure(errno.EIO)
        self._door.set_debug(buf[:1] == b"1")
        return len(buf)

    # --- inside: checks before anything is proposed -----------------------------------------------------------------

    def _check_writable(self) -> None:
        if not self._door.writable():
            raise failure(errno.EACCES)

    def _changeable(self, parent_inode: int, name: bytes) -> tuple[str, int]:
        """A name that may be changed, and its directory in the tree."""
        text = text_of(name)
        if parent_inode == pyfuse3.ROOT_INODE and text in virtual.INODES:
            raise failure(errno.EACCES)
        return text, self._entry(parent_inode).inode

    def _check_new(self, parent: int, name: str) -> None:
        """Refuse at once what the store would refuse when the file is closed, where few programs look."""
        self._check_writable()
        tree = self._door.tree()
        try:
            tree.check_guest(tree.entries[parent], name)
        except StoreRefusal as refusal:
            raise failure(refusal.errno) from refusal
        if len(tree.entries) >= ENTRIES_MAX:
            raise failure(errno.ENOSPC)

    def _check_room(self, inode: int, size: int) -> None:
        if size > FILE_SIZE_MAX:
            raise failure(errno.EFBIG)
        tree = self._door.tree()
        entry = tree.entries.get(self._tree_inode(inode))
        if tree.size - (entry.size if entry is not None else 0) + size > TREE_SIZE_MAX:
            raise failure(errno.ENOSPC)

    # --- inside: contents -------------------------------------------------------------------------------------------

    def _content(self, inode: int) -> bytes:
        """What a file holds, committed; nothing when it is not in the store yet."""
        if self._is_waiting(inode):
            return b""
        data = self._entry(inode).data
        if data is None:
            raise failure(errno.EISDIR)
        return data

    def _buffer(self, handle: Handle) -> bytearray:
        """The bytes a handle works on; what is committed now is where they start."""
        if handle.buffer is None:
            entry = self._door.tree().entries.get(self._tree_inode(handle.inode))
            handle.buffer = bytearray(entry.data if entry is not None and entry.data is not None else handle.content)
        return handle.buffer

    def _path_of(self, inode: int) -> tuple[str, bool]:
        """A file's or directory's path, and whether it is a directory."""
        one = self._handles.provisional(inode)
        if one is not None and one.waiting:
            return self._path(one.parent, one.name), False
        entry = self._entry(inode)
        return self._door.tree().path_of(entry.inode), entry.is_dir
