"""The configuration tree: files and directories with versions, and `apply`, which changes it or refuses.

Deterministic: the same commands in the same order give the same tree on every node, inode numbers included (an
entry's inode is the tree's version when it was made, as in pmxcfs). Entries are frozen and replaced, so a refused
command is taken back by putting the old entries back. It knows nothing of epochs, votes, disks or who may ask.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from cluster.core.operations import Command, Expect, Mkdir, Remove, Rename, Touch, Write, digest_of
from cluster.errors import StoreRefusal

FILE_SIZE_MAX = 1 << 20
TREE_SIZE_MAX = 128 << 20
ENTRIES_MAX = 256 * 1024
NAME_BYTES_MAX = 255
ROOT = 0

AnyOperation = Write | Mkdir | Rename | Remove | Touch | Expect


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


def _refuse(number: int, message: str) -> StoreRefusal:
    return StoreRefusal(number, message)


class Tree:
    """The tree in memory. Invariants: every parent is a directory in the tree; names are unique in a directory;
    `size` is the sum of file sizes; `version` never goes down except when a command is taken back."""

    def __init__(self, version: int = 1, mtime_s: int = 0, writer: int = 0) -> None:
        self.version = version
        self.size = 0
        root = Entry(ROOT, ROOT, "", version, writer, mtime_s, None)
        self.entries: dict[int, Entry] = {ROOT: root}
        self.children: dict[int, dict[str, int]] = {ROOT: {}}
        self._before: dict[int, Entry | None] = {}

    @classmethod
    def from_entries(cls, entries: Iterable[Entry], version: int, mtime_s: int = 0, writer: int = 0) -> Tree:
        """Rebuild from stored entries but the root, in any order. Raises `StoreRefusal` (EIO) when they do not make
        a tree."""
        tree = cls(version, mtime_s, writer)
        for entry in entries:
            tree.entries[entry.inode] = entry
            tree.size += entry.size
            if entry.is_dir:
                tree.children.setdefault(entry.inode, {})
        for entry in tree.entries.values():
            if entry.inode == ROOT:
                continue
            siblings = tree.children.get(entry.parent)
            if siblings is None or entry.parent not in tree.entries:
                raise _refuse(errno.EIO, f"entry {entry.inode} ({entry.name}) has no directory {entry.parent}")
            if entry.name in siblings or not entry.name:
                raise _refuse(errno.EIO, f"entry {entry.inode} has the name {entry.name!r} of another entry")
            siblings[entry.name] = entry.inode
        return tree

    # --- reading ----------------------------------------------------------------------------------------------------

    def find(self, path: str) -> Entry | None:
        """The entry at a path, or None. Empty components are ignored; a path through a file leads nowhere."""
        inode = ROOT
        for part in path.split("/"):
            if not part or part == ".":
                continue
            inode_or_none = self.children.get(inode, {}).get(part)
            if inode_or_none is None:
                return None
            inode = inode_or_none
        return self.entries[inode]

    def read(self, path: str) -> bytes | None:
        """A file's content, or None when there is no such file."""
        entry = self.find(path)
        return entry.data if entry is not None else None

    def listing(self, path: str) -> list[Entry] | None:
        """A directory's entries by name, or None when it is not a directory."""
        entry = self.find(path)
        if entry is None or not entry.is_dir:
            return None
        return [self.entries[inode] for _, inode in sorted(self.children[entry.inode].items())]

    def path_of(self, inode: int) -> str:
        parts: list[str] = []
        while inode != ROOT:
            entry = self.entries[inode]
            parts.append(entry.name)
            inode = entry.parent
        return "/".join(reversed(parts))

    def walk(self) -> Iterator[Entry]:
        """Every entry but the root, by inode."""
        for inode in sorted(self.entries):
            if inode != ROOT:
                yield self.entries[inode]

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
        return self._expect(operation)

    def _write(self, operation: Write, command: Command) -> list[PathChange]:
        if len(operation.data) > FILE_SIZE_MAX:
            raise _refuse(errno.EFBIG, f"{operation.path} would be larger than {FILE_SIZE_MAX} bytes")
        parent, name = self._place(operation.path)
        inode = self.children[parent.inode].get(name)
        old = self.entries[inode] if inode is not None else None
        if old is not None and old.is_dir:
            raise _refuse(errno.EISDIR, f"{operation.path} is a directory")
        if old is not None and operation.create:
            raise _refuse(errno.EEXIST, f"{operation.path} exists already")
        if self.size - (old.size if old else 0) + len(operation.data) > TREE_SIZE_MAX:
            raise _refuse(errno.ENOSPC, f"the store is full ({TREE_SIZE_MAX} bytes)")
        self.version += 1
        made = Entry(
            old.inode if old else self.version, parent.inode, name, self.version, command.node_id,
            command.time_ms // 1000, operation.data, self.version,
        )  # fmt: skip
        self._put(made)
        return [PathChange(_clean(operation.path), "file")]

    def _mkdir(self, operation: Mkdir, command: Command) -> list[PathChange]:
        changes: list[PathChange] = []
        if operation.parents:
            parts = _parts(operation.path)
            for depth in range(1, len(parts)):
                above = "/".join(parts[:depth])
                if self.find(above) is None:
                    changes += self._mkdir(Mkdir(above), command)
        parent, name = self._place(operation.path)
        inode = self.children[parent.inode].get(name)
        if inode is not None:
            if operation.parents and self.entries[inode].is_dir:
                return changes
            raise _refuse(errno.EEXIST, f"{operation.path} exists already")
        self.version += 1
        self._put(Entry(self.version, parent.inode, name, self.version, command.node_id, command.time_ms // 1000, None))
        return [*changes, PathChange(_clean(operation.path), "dir")]

    def _rename(self, operation: Rename, command: Command) -> list[PathChange]:
        source = self._existing(operation.source)
        if source.is_dir and self.children[source.inode]:
            raise _refuse(errno.ENOTEMPTY, f"{operation.source} is a directory with something in it")
        parent, name = self._place(operation.target)
        if parent.inode == source.inode:
            raise _refuse(errno.EINVAL, f"{operation.source} cannot be moved into itself")
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
        return [PathChange(_clean(operation.source), "removed"), PathChange(_clean(operation.target), kind)]

    def _check_replace(self, source: Entry, target: Entry, path: str) -> None:
        if target.is_dir and not source.is_dir:
            raise _refuse(errno.EISDIR, f"{path} is a directory")
        if source.is_dir and not target.is_dir:
            raise _refuse(errno.ENOTDIR, f"{path} is a file")
        if target.is_dir and self.children[target.inode]:
            raise _refuse(errno.ENOTEMPTY, f"{path} is a directory with something in it")

    def _remove(self, operation: Remove) -> list[PathChange]:
        if operation.missing_ok and self.find(operation.path) is None:
            return []
        entry = self._existing(operation.path)
        if entry.is_dir and self.children[entry.inode]:
            raise _refuse(errno.ENOTEMPTY, f"{operation.path} is a directory with something in it")
        self.version += 1
        self._drop(entry)
        return [PathChange(_clean(operation.path), "removed")]

    def _touch(self, operation: Touch, command: Command) -> list[PathChange]:
        entry = self._existing(operation.path)
        self.version += 1
        self._put(replace(entry, version=self.version, writer=command.node_id, mtime_s=operation.mtime_s))
        return [PathChange(_clean(operation.path), "dir" if entry.is_dir else "file")]

    def _expect(self, operation: Expect) -> list[PathChange]:
        data = self.read(operation.path)
        have = digest_of(data) if data is not None else ""
        if have != operation.digest:
            raise _refuse(errno.ESTALE, f"{operation.path} was changed by someone else; read it again")
        return []

    # --- the few places that touch the maps -------------------------------------------------------------------------

    def _existing(self, path: str) -> Entry:
        entry = self.find(path)
        if entry is None:
            raise _refuse(errno.ENOENT, f"{path} does not exist")
        if entry.inode == ROOT:
            raise _refuse(errno.EACCES, "the root of the store cannot be changed")
        return entry

    def _place(self, path: str) -> tuple[Entry, str]:
        """The directory a path's last component lives in, and that component, checked."""
        parts = _parts(path)
        if not parts:
            raise _refuse(errno.EACCES, "the root of the store cannot be changed")
        parent = self.find("/".join(parts[:-1]))
        if parent is None:
            raise _refuse(errno.ENOENT, f"{'/'.join(parts[:-1])} does not exist")
        if not parent.is_dir:
            raise _refuse(errno.ENOTDIR, f"{'/'.join(parts[:-1])} is a file")
        return parent, parts[-1]

    def _put(self, entry: Entry) -> None:
        old = self.entries.get(entry.inode)
        if old is None and len(self.entries) >= ENTRIES_MAX:
            raise _refuse(errno.ENOSPC, f"the store holds {ENTRIES_MAX} entries, no more fit")
        self._before.setdefault(entry.inode, old)
        if old is not None:
            del self.children[old.parent][old.name]
            self.size -= old.size
        self.entries[entry.inode] = entry
        self.children[entry.parent][entry.name] = entry.inode
        self.size += entry.size
        if entry.is_dir:
            self.children.setdefault(entry.inode, {})

    def _drop(self, entry: Entry) -> None:
        self._before.setdefault(entry.inode, entry)
        del self.entries[entry.inode]
        del self.children[entry.parent][entry.name]
        self.children.pop(entry.inode, None)
        self.size -= entry.size

    def _take_back(self, version: int, size: int) -> None:
        before, self._before = self._before, {}
        for inode in before:
            now = self.entries.pop(inode, None)
            if now is not None:
                siblings = self.children.get(now.parent, {})
                if siblings.get(now.name) == inode:
                    del siblings[now.name]
        for inode, old in before.items():
            if old is None:
                self.children.pop(inode, None)
            else:
                self.entries[inode] = old
                if old.is_dir:
                    self.children.setdefault(inode, {})
        for inode, old in before.items():
            if old is not None:
                self.children[old.parent][old.name] = inode
        self.version, self.size = version, size


def _parts(path: str) -> list[str]:
    """A path's components, each checked as a name. Raises `StoreRefusal`."""
    parts = [part for part in path.split("/") if part]
    for part in parts:
        if part in (".", "..") or "\0" in part:
            raise _refuse(errno.EINVAL, f"{path!r} has a component that cannot be a name")
        try:
            length = len(part.encode())
        except UnicodeEncodeError:
            raise _refuse(errno.EILSEQ, f"{path!r} is not valid UTF-8") from None
        if length > NAME_BYTES_MAX:
            raise _refuse(errno.ENAMETOOLONG, f"a name is longer than {NAME_BYTES_MAX} bytes")
    return parts


def _clean(path: str) -> str:
    return "/".join(part for part in path.split("/") if part)
