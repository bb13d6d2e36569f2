"""The file system whole: what changes names and attributes, on top of `writing.py` and `looking.py`.

Every change of a name is a proposal of its own, and the call returns when a majority of the nodes has it on disk.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass

from cluster.core.operations import AnyOperation, Mkdir, Remove, Rename, Touch, Write
from cluster.store.mount import attributes, virtual
from cluster.store.mount.answers import Failure, Later, after
from cluster.store.mount.handles import Handle
from cluster.store.mount.protocol import Attributes, Request
from cluster.store.mount.writing import WritingFileSystem


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be set of an inode's attributes; None: leave it."""

    mode: int | None
    uid: int | None
    gid: int | None
    size: int | None
    mtime_s: int | None


class StoreFileSystem(WritingFileSystem):
    """Requests of the kernel, one method each. Knows the store through `StoreDoor` and `View` only."""

    # --- attributes -------------------------------------------------------------------------------------------------

    def setattr(self, node: int, change: Change, number: int, asker: Request) -> Attributes | Later[Attributes]:
        """`number` is of the open file through which it is asked, 0 where it is asked by name."""
        if virtual.is_virtual(node):
            return self.getattr(node, asker)
        path, is_dir = self._path_of(node)
        self._check_allowed(path, is_dir, change)
        handle = self._handles.get(number) if number else None
        operations: list[AnyOperation] = []
        if change.size is not None:
            self._check_room(node, change.size)
            if handle is not None:
                self._cut(handle, change.size)
            else:
                operations.append(Write(path, self._content(node)[: change.size].ljust(change.size, b"\0")))
        if change.mtime_s is not None:
            writer = handle if handle is not None else self._handles.dirty_on(node)
            if writer is not None and writer.dirty:
                writer.mtime_s = change.mtime_s
            elif change.mtime_s == 0 and not operations:
                return self._unlock(node, path, asker)
            else:
                operations.append(Touch(path, change.mtime_s))
        if not operations:
            return self.getattr(node, asker, number)
        return self._propose(operations, asker.uid, lambda: self.getattr(node, asker, number), holds=(node,))

    def _check_allowed(self, path: str, is_dir: bool, change: Change) -> None:
        """Owners and modes follow from the path: they may be set to what they are."""
        if change.mode is not None and not attributes.accepts_mode(path, change.mode, is_dir=is_dir):
            raise Failure(errno.EPERM)
        if change.uid not in (None, 0) or change.gid not in (None, self._gid):
            raise Failure(errno.EPERM)

    def _cut(self, handle: Handle, size: int) -> None:
        buffer = self._buffer(handle)
        buffer[:] = buffer[:size].ljust(size, b"\0")
        handle.dirty = True

    def _unlock(self, node: int, path: str, asker: Request) -> Later[Attributes]:
        """The time 0 asks for the end of a lock, and is a time like another for everything else."""

        def then(is_lock: bool) -> Attributes | Later[Attributes]:
            if is_lock:
                raise Failure(errno.EACCES)
            return self._propose([Touch(path, 0)], asker.uid, lambda: self.getattr(node, asker), holds=(node,))

        return Later(lambda: self._door.unlock(path, asker.uid), then, holds=(node,))

    # --- names ------------------------------------------------------------------------------------------------------

    def mkdir(self, parent: int, name: bytes, asker: Request) -> Later[Attributes]:
        text, directory = self._changeable(parent, name)
        made = Mkdir(self._view.path(directory, text))
        return self._propose([made], asker.uid, lambda: self.lookup(parent, name, asker), holds=(parent,))

    def unlink(self, parent: int, name: bytes, asker: Request) -> Later[None] | None:
        text, directory = self._changeable(parent, name)
        waiting = self._handles.find_waiting(directory, text)
        if waiting is not None:
            self._handles.abandon(waiting)
            if self._view.child(directory, text) is None:
                return None
        return self._remove(parent, directory, text, asker)

    def rmdir(self, parent: int, name: bytes, asker: Request) -> Later[None]:
        text, directory = self._changeable(parent, name)
        entry = self._view.child(directory, text)
        if entry is not None and self._handles.waits_in(entry.inode):
            raise Failure(errno.ENOTEMPTY)
        return self._remove(parent, directory, text, asker)

    def _remove(self, parent: int, directory: int, name: str, asker: Request) -> Later[None]:
        return self._propose([Remove(self._view.path(directory, name))], asker.uid, _done, holds=(parent,))

    def rename(self, parent: int, name: bytes, new_parent: int, new_name: bytes, asker: Request) -> Later[None] | None:
        old, old_directory = self._changeable(parent, name)
        new, new_directory = self._changeable(new_parent, new_name)
        holds = (parent, new_parent)

        def rename() -> Later[None]:
            replaced = self._handles.find_waiting(new_directory, new)
            renamed = Rename(self._view.path(old_directory, old), self._view.path(new_directory, new))
            return self._propose(
                [renamed], asker.uid, lambda: self._handles.abandon(replaced) if replaced is not None else None, holds
            )

        moved = self._handles.find_waiting(old_directory, old)
        writers = [one for one in self._handles.of(moved) if one.dirty] if moved is not None else []
        return self._flush_all(writers, rename, holds)

    def _flush_all(
        self, handles: list[Handle], then: Callable[[], Later[None]], holds: tuple[int, ...]
    ) -> Later[None] | None:
        """What is moved is first made, with what was written to it so far."""
        if not handles:
            return then()
        return after(self._flush(handles[0], holds), lambda _: self._flush_all(handles[1:], then, holds))

    def _path_of(self, node: int) -> tuple[str, bool]:
        """A file's or directory's path, and whether it is a directory."""
        one = self._handles.provisional(node)
        if one is not None and one.waiting:
            return self._view.path(one.parent, one.name), False
        entry = self._view.entry(self._tree_inode(node))
        return self._view.tree.path_of(entry.inode), entry.is_dir


def _done() -> None:
    return None
