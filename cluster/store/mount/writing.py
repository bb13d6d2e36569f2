"""The part of the file system that opens, reads and writes files. `looking.py` is below it, `operations.py` above.

Writes gather in their handle and are proposed at flush, so `close() == 0` is the acknowledgement. Until then only the
process that writes sees any of it: a writing handle goes past the kernel's page cache, which readers share.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from cluster.core.entry import ENTRIES_MAX, FILE_SIZE_MAX, TREE_SIZE_MAX
from cluster.core.operations import AnyOperation, Touch, Write
from cluster.errors import QuireError, StoreRefusal
from cluster.store.mount import virtual
from cluster.store.mount.answers import Failure, Later, errno_of, text_of
from cluster.store.mount.door import StoreDoor
from cluster.store.mount.handles import READING, Handle
from cluster.store.mount.looking import LookingFileSystem
from cluster.store.mount.protocol import DIRECT_IO, KEEP_CACHE, NO_FLUSH, Attributes, Request
from cluster.store.mount.view import View, node_of

T = TypeVar("T")
Opened = tuple[int, int]  # a handle's number, and how the kernel is to treat it
PROPOSALS_MAX = 48
WRITING = os.O_WRONLY | os.O_RDWR
# Who only reads has nothing to have acknowledged: with no flush, its close waits for nobody.
OPEN_TO_READ: Opened = (READING, KEEP_CACHE | NO_FLUSH)
OPEN_TO_READ_PROVISIONAL: Opened = (READING, DIRECT_IO | NO_FLUSH)


class WritingFileSystem(LookingFileSystem):
    """Requests about open files, and what changes of any kind need: room, quorum, and to be proposed."""

    def __init__(self, door: StoreDoor, view: View) -> None:
        super().__init__(door, view)
        self._proposing = 0  # of the event loop

    # --- requests ---------------------------------------------------------------------------------------------------

    def open(self, node: int, flags: int, asker: Request) -> Opened | Later[Opened]:
        if virtual.is_virtual(node):
            return self._content_made(
                virtual.name_of(node),
                lambda content: (self._handles.open(Handle(node, asker.uid, virtual=content)), DIRECT_IO),
            )
        self._check_file(node)
        if not flags & WRITING:
            return OPEN_TO_READ_PROVISIONAL if self._is_provisional(node) else OPEN_TO_READ
        self._check_writable()
        handle = Handle(node, asker.uid, asker.pid, bool(flags & os.O_APPEND))
        if flags & os.O_TRUNC:
            handle.buffer, handle.dirty = bytearray(), True
        return self._handles.open(handle), DIRECT_IO

    def create(
        self, parent: int, name: bytes, flags: int, asker: Request
    ) -> tuple[Attributes, Opened] | Later[tuple[Attributes, Opened]]:
        text, directory = self._changeable(parent, name)
        self._check_new(directory, text)
        handle = Handle(0, asker.uid, asker.pid, bool(flags & os.O_APPEND))
        if flags & os.O_EXCL:
            made = Write(self._view.path(directory, text), b"", create=True)
            return self._propose([made], asker.uid, lambda: self._opened(directory, text, handle), holds=(parent,))
        if self._view.child(directory, text) is not None:  # another node made it just now
            handle.buffer, handle.dirty = (bytearray(), True) if flags & os.O_TRUNC else (None, False)
            return self._opened(directory, text, handle)
        handle.inode = self._handles.make_provisional(directory, text)
        handle.buffer, handle.dirty = bytearray(), True
        opened = self._handles.open(handle), DIRECT_IO
        return self._told(self._provisional_attributes(handle.inode, asker.pid)), opened

    def _opened(self, directory: int, name: str, handle: Handle) -> tuple[Attributes, Opened]:
        entry = self._view.child(directory, name)
        if entry is None:
            raise Failure(errno.ENOENT)
        if entry.is_dir:
            raise Failure(errno.EISDIR)
        handle.inode = node_of(entry.inode)
        opened = self._handles.open(handle), DIRECT_IO
        return self._told(self._attributes(entry)), opened

    def read(self, node: int, number: int, offset: int, size: int) -> bytes:
        handle = self._handles.get(number) if number != READING else None
        if handle is not None and handle.virtual is not None:
            return handle.virtual[offset : offset + size]
        if handle is not None and handle.buffer is not None:
            return bytes(handle.buffer[offset : offset + size])
        return self._content(node)[offset : offset + size]

    def write(self, number: int, offset: int, data: memoryview) -> int | Later[int]:
        handle = self._handles.get(number)
        if handle.virtual is not None:
            return self._write_virtual(handle, offset, bytes(data))
        self._check_writable()
        buffer = self._buffer(handle)
        offset = len(buffer) if handle.append else offset
        self._check_room(handle.inode, offset + len(data))
        if offset > len(buffer):
            buffer.extend(bytes(offset - len(buffer)))
        buffer[offset : offset + len(data)] = data
        handle.dirty = True
        return len(data)

    def flush(self, number: int) -> Later[None] | None:
        """Also fsync: both acknowledge everything written so far."""
        return self._flush(self._handles.get(number)) if number != READING else None

    def release(self, number: int) -> None:
        if number != READING:
            self._handles.close(number)

    # --- proposing --------------------------------------------------------------------------------------------------

    def _propose(
        self,
        operations: Sequence[AnyOperation],
        uid: int,
        then: Callable[[], T | Later[T]],
        holds: tuple[int, ...] = (),
    ) -> Later[T]:
        """The answer when a majority has the change on disk; an error that says whether it has happened."""
        self._check_writable()

        async def work() -> None:
            if self._proposing >= PROPOSALS_MAX:
                raise Failure(errno.EBUSY)
            self._proposing += 1
            try:
                await self._door.propose(operations, uid)
            except QuireError as error:
                raise Failure(errno_of(error)) from error
            except asyncio.CancelledError:
                raise Failure(errno.EIO) from None
            finally:
                self._proposing -= 1

        return Later(work, lambda _: then(), holds)

    def _flush(self, handle: Handle, holds: tuple[int, ...] = ()) -> Later[None] | None:
        """Propose what was written through a handle, once. What is written while that is under way is for the next."""
        path = self._flush_path(handle) if handle.dirty else None
        if path is None or handle.buffer is None:
            handle.dirty = False
            return None
        operations: list[AnyOperation] = [Write(path, bytes(handle.buffer))]
        if handle.mtime_s is not None:
            operations.append(Touch(path, handle.mtime_s))
        proposed = self._propose(operations, handle.uid, lambda: self._flushed(handle, path))
        handle.dirty = False

        async def work() -> None:
            try:
                await proposed.work()
            except Failure:
                handle.dirty = True  # it can be tried again
                raise

        return Later(work, proposed.then, holds)

    def _flushed(self, handle: Handle, path: str) -> None:
        if not handle.dirty:
            handle.mtime_s, handle.buffer = None, None
        if self._is_waiting(handle.inode):
            entry = self._view.tree.find(path)
            self._handles.settle(handle.inode, entry.inode if entry is not None else None)

    def _flush_path(self, handle: Handle) -> str | None:
        """Where a handle's content goes; None when its file was removed: then it goes nowhere, as on any disk."""
        one = self._handles.provisional(handle.inode)
        if one is not None and one.waiting:
            return self._view.path(one.parent, one.name)
        inode = self._tree_inode(handle.inode)
        return self._view.tree.path_of(inode) if inode in self._view.tree.entries else None

    def _write_virtual(self, handle: Handle, offset: int, data: bytes) -> Later[int]:
        if virtual.name_of(handle.inode) != ".debug" or offset or data[:2] not in (b"0\n", b"1\n"):
            raise Failure(errno.EIO)

        async def work() -> None:
            self._door.set_debug(data[:1] == b"1")

        return Later(work, lambda _: len(data))

    # --- checks before anything is proposed -------------------------------------------------------------------------

    def _check_writable(self) -> None:
        if not self._view.writable:
            raise Failure(errno.EACCES)

    def _changeable(self, parent: int, name: bytes) -> tuple[str, int]:
        """A name that may be changed, and its directory in the tree."""
        text = text_of(name)
        directory = self._view.entry(self._tree_inode(parent)).inode
        if self._view.hides(directory, text):
            raise Failure(errno.EACCES)
        return text, directory

    def _check_new(self, directory: int, name: str) -> None:
        """Refuse at once what the store would refuse when the file is closed, where few programs look."""
        self._check_writable()
        tree = self._view.tree
        try:
            tree.check_guest(tree.entries[directory], name)
        except StoreRefusal as refusal:
            raise Failure(refusal.errno) from refusal
        if len(tree.entries) >= ENTRIES_MAX:
            raise Failure(errno.ENOSPC)

    def _check_room(self, node: int, size: int) -> None:
        if size > FILE_SIZE_MAX:
            raise Failure(errno.EFBIG)
        tree = self._view.tree
        entry = tree.entries.get(self._tree_inode(node))
        if tree.size - (entry.size if entry is not None else 0) + size > TREE_SIZE_MAX:
            raise Failure(errno.ENOSPC)

    # --- contents ---------------------------------------------------------------------------------------------------

    def _check_file(self, node: int) -> None:
        if not self._is_waiting(node) and self._entry_or_removed(node).is_dir:
            raise Failure(errno.EISDIR)

    def _content(self, node: int) -> bytes:
        """What a file holds, committed; nothing when it is not in the store yet."""
        return b"" if self._is_waiting(node) else self._entry_or_removed(node).data or b""

    def _buffer(self, handle: Handle) -> bytearray:
        """The bytes a handle works on; what is committed now is where they start."""
        if handle.buffer is None:
            handle.buffer = bytearray(self._content(handle.inode))
        return handle.buffer
