"""The configuration tree: files and directories with versions, and `apply`, which changes it or refuses.

Deterministic: the same commands in the same order give the same tree on every node, inode numbers included (an
entry's inode is the tree's version when it was made, as in pmxcfs). What an operation may do is decided here; the maps
are `entries.py`. It knows nothing of epochs, votes, disks or who may ask.
"""

from __future__ import annotations

import errno
from dataclasses import replace

from cluster.core import locks
from cluster.core.entries import Entries
from cluster.core.entry import (
    ENTRIES_MAX,
    FILE_SIZE_MAX,
    NAME_BYTES_MAX,
    ROOT,
    TREE_SIZE_MAX,
    Applied,
    Entry,
    PathChange,
    clean,
    parts_of,
    refuse,
)
from cluster.core.guests import guest_id_of, place_of
from cluster.core.operations import (
    AnyOperation,
    Command,
    Expect,
    Expire,
    Holding,
    Mkdir,
    Remove,
    Rename,
    Touch,
    Write,
    digest_of,
)
from cluster.errors import StoreRefusal

__all__ = [
    "ENTRIES_MAX", "FILE_SIZE_MAX", "NAME_BYTES_MAX", "ROOT", "TREE_SIZE_MAX",
    "AnyOperation", "Applied", "Entry", "PathChange", "Tree",
]  # fmt: skip


class Tree(Entries):
    """The tree in memory. `version` never goes down except when a command is taken back."""

    # --- changing ---------------------------------------------------------------------------------------------------

    def apply(self, command: Command) -> Applied:
        """Do all of a command's operations, or none. Raises `StoreRefusal` with the tree as it was."""
        version, size = self.version, self.size
        self._before = {}
        paths: dict[str, PathChange] = {}
        try:
            for operation in command.operations:
                for change in self._do(operation, command):
                    paths[change.path] = change
        except StoreRefusal:
            self._take_back(version, size)
            raise
        touched = self._before
        self._before = {}
        if touched:
            root = self.entries[ROOT]
            self.entries[ROOT] = replace(
                root, version=self.version, writer=command.node_id, mtime_s=command.time_ms // 1000
            )
        kept = tuple(self.entries[inode] for inode in touched if inode in self.entries)
        gone = tuple(inode for inode, old in touched.items() if inode not in self.entries and old is not None)
        before = tuple(old for old in touched.values() if old is not None)
        return Applied(kept, gone, tuple(paths.values()), before)

    def _do(self, operation: AnyOperation, command: Command) -> list[PathChange]:
        if isinstance(operation, Write):
            return self._write(operation, command)
        if isinstance(operation, Mkdir):
            return self._mkdir(operation, command)
        if isinstance(operation, Rename):
            return self._rename(operation, command)
        if isinstance(operation, Remove):
            return self._remove(operation)
        if isinstance(operation, Touch):
            return self._touch(operation, command)
        if isinstance(operation, Expire):
            return self._expire(operation)
        self._check(operation)
        return []

    def _write(self, operation: Write, command: Command) -> list[PathChange]:
        if len(operation.data) > FILE_SIZE_MAX:
            raise refuse(errno.EFBIG, f"{operation.path} would be larger than {FILE_SIZE_MAX} bytes")
        parent, name = self._place(operation.path)
        self.check_guest(parent, name)
        inode = self.children[parent.inode].get(name)
        old = self.entries[inode] if inode is not None else None
        if old is not None and old.is_dir:
            raise refuse(errno.EISDIR, f"{operation.path} is a directory")
        if old is not None and operation.create:
            raise refuse(errno.EEXIST, f"{operation.path} exists already")
        if self.size - (old.size if old else 0) + len(operation.data) > TREE_SIZE_MAX:
            raise refuse(errno.ENOSPC, f"the store is full ({TREE_SIZE_MAX} bytes)")
        self.version += 1
        made = Entry(
            old.inode if old else self.version, parent.inode, name, self.version, command.node_id,
            command.time_ms // 1000, operation.data, self.version,
        )  # fmt: skip
        self._put(made)
        return [PathChange(clean(operation.path), "file")]

    def _mkdir(self, operation: Mkdir, command: Command) -> list[PathChange]:
        changes: list[PathChange] = []
        if operation.parents:
            parts = parts_of(operation.path)
            for depth in range(1, len(parts)):
                above = "/".join(parts[:depth])
                if self.find(above) is None:
                    changes += self._mkdir(Mkdir(above), command)
        parent, name = self._place(operation.path)
        inode = self.children[parent.inode].get(name)
        if inode is not None:
            if operation.parents and self.entries[inode].is_dir:
                return changes
            raise refuse(errno.EEXIST, f"{operation.path} exists already")
        self.version += 1
        self._put(Entry(self.version, parent.inode, name, self.version, command.node_id, command.time_ms // 1000, None))
        return [*changes, PathChange(clean(operation.path), "dir")]

    def _rename(self, operation: Rename, command: Command) -> list[PathChange]:
        source = self._existing(operation.source)
        if source.is_dir and self.children[source.inode]:
            raise refuse(errno.ENOTEMPTY, f"{operation.source} is a directory with something in it")
        if self._lock(operation.source) is not None:
            raise refuse(errno.EACCES, f"{operation.source} is a lock, which cannot be renamed")
        parent, name = self._place(operation.target)
        if not source.is_dir:
            self.check_guest(parent, name, source)
        if parent.inode == source.inode:
            raise refuse(errno.EINVAL, f"{operation.source} cannot be moved into itself")
        inode = self.children[parent.inode].get(name)
        if inode == source.inode:
            return []
        if inode is not None:
            self._check_replace(source, self.entries[inode], operation.target)
            self._drop(self.entries[inode])
        self.version += 1
        self._put(
            replace(
                source, parent=parent.inode, name=name, version=self.version, writer=command.node_id,
                mtime_s=command.time_ms // 1000,
            )
        )  # fmt: skip
        kind = "dir" if source.is_dir else "file"
        return [PathChange(clean(operation.source), "removed"), PathChange(clean(operation.target), kind)]

    def _check_replace(self, source: Entry, target: Entry, path: str) -> None:
        if target.is_dir and not source.is_dir:
            raise refuse(errno.EISDIR, f"{path} is a directory")
        if source.is_dir and not target.is_dir:
            raise refuse(errno.ENOTDIR, f"{path} is a file")
        if target.is_dir and self.children[target.inode]:
            raise refuse(errno.ENOTEMPTY, f"{path} is a directory with something in it")

    def _remove(self, operation: Remove) -> list[PathChange]:
        if operation.missing_ok and self.find(operation.path) is None:
            return []
        entry = self._existing(operation.path)
        if entry.is_dir and self.children[entry.inode]:
            raise refuse(errno.ENOTEMPTY, f"{operation.path} is a directory with something in it")
        self.version += 1
        self._drop(entry)
        return [PathChange(clean(operation.path), "removed")]

    def _touch(self, operation: Touch, command: Command) -> list[PathChange]:
        entry = self._existing(operation.path)
        if self._lock(operation.path) is not None and (
            command.node_id != entry.writer or operation.mtime_s < entry.mtime_s
        ):
            raise refuse(errno.EACCES, f"{operation.path} is a lock held by another node, or refreshed to the past")
        self.version += 1
        self._put(replace(entry, version=self.version, writer=command.node_id, mtime_s=operation.mtime_s))
        return [PathChange(clean(operation.path), "dir" if entry.is_dir else "file")]

    def _expire(self, operation: Expire) -> list[PathChange]:
        entry = self._lock(operation.path)
        if entry is None or entry.version != operation.version:
            raise refuse(errno.ESTALE, f"{operation.path} is another lock by now, or was refreshed")
        return self._remove(Remove(operation.path))

    def _check(self, condition: Expect | Holding) -> None:
        """The operations that change nothing, and refuse the command unless something holds."""
        if isinstance(condition, Holding):
            entry = self._lock(condition.lock)
            if entry is None or entry.inode != condition.token:
                raise refuse(errno.ESTALE, f"the lock {condition.lock} was lost meanwhile")
            return
        data = self.read(condition.path)
        have = digest_of(data) if data is not None else ""
        if have != condition.digest:
            raise refuse(errno.ESTALE, f"{condition.path} was changed by someone else; read it again")

    # --- where an operation takes place -------------------------------------------------------------------------------

    def _existing(self, path: str) -> Entry:
        entry = self.find(path)
        if entry is None:
            raise refuse(errno.ENOENT, f"{path} does not exist")
        if entry.inode == ROOT:
            raise refuse(errno.EACCES, "the root of the store cannot be changed")
        return entry

    def _place(self, path: str) -> tuple[Entry, str]:
        """The directory a path's last component lives in, and that component, checked."""
        parts = parts_of(path)
        if not parts:
            raise refuse(errno.EACCES, "the root of the store cannot be changed")
        parent = self.find("/".join(parts[:-1]))
        if parent is None:
            raise refuse(errno.ENOENT, f"{'/'.join(parts[:-1])} does not exist")
        if not parent.is_dir:
            raise refuse(errno.ENOTDIR, f"{'/'.join(parts[:-1])} is a file")
        return parent, parts[-1]

    def _lock(self, path: str) -> Entry | None:
        """The lock at a path, or None when what is there is no lock."""
        entry = self.find(path)
        return entry if entry is not None and locks.is_lock(clean(path).split("/"), is_dir=entry.is_dir) else None

    def check_guest(self, parent: Entry, name: str, moved: Entry | None = None) -> None:
        """Refuse a second configuration of a guest. A rename of its own configuration is how a guest moves."""
        guest_id = guest_id_of(name)
        known = self.guests.get(guest_id) if guest_id is not None else None
        place = place_of(self._parts_of(parent.inode)) if known is not None else None
        if known is None or place is None or place == (known.node, known.kind):
            return
        if moved is None or moved.inode != known.inode:
            raise refuse(errno.EEXIST, f"guest {guest_id} exists already, on node {known.node}")
