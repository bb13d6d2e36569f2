"""The tree's maps: every entry by inode and by name, the guests among them, and how a refused command is taken back.

Entries are frozen and replaced, so taking back means putting the old ones where they were. It keeps the maps agreeing
with each other and knows nothing of commands; `tree.py` decides what may be put where.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from typing import Self

from cluster.core.entry import ENTRIES_MAX, ROOT, Applied, Entry, refuse
from cluster.core.guests import Guest, guest_id_of, place_of


class Entries:
    """Invariants: every parent is a directory here; names are unique in a directory; `size` is the sum of file sizes;
    `guests` has each guest's configuration and nothing else."""

    def __init__(self, version: int = 1, mtime_s: int = 0, writer: int = 0) -> None:
        self.version = version
        self.size = 0
        self.entries: dict[int, Entry] = {ROOT: Entry(ROOT, ROOT, "", version, writer, mtime_s, None)}
        self.children: dict[int, dict[str, int]] = {ROOT: {}}
        self.guests: dict[int, Guest] = {}
        self._before: dict[int, Entry | None] = {}

    @classmethod
    def from_entries(cls, entries: Iterable[Entry], version: int, mtime_s: int = 0, writer: int = 0) -> Self:
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
                raise refuse(errno.EIO, f"entry {entry.inode} ({entry.name}) has no directory {entry.parent}")
            if entry.name in siblings or not entry.name:
                raise refuse(errno.EIO, f"entry {entry.inode} has the name {entry.name!r} of another entry")
            siblings[entry.name] = entry.inode
        if sum(1 for _ in tree._below(ROOT)) != len(tree.entries) - 1 or not tree.entries[ROOT].is_dir:
            raise refuse(errno.EIO, "directories contain each other")
        for entry in tree.entries.values():
            tree._list_guest(entry)
        return tree

    def copy(self) -> Self:
        """Another tree with the same entries; what becomes of one is nothing to the other."""
        twin = type(self)(self.version)
        twin.size, twin.entries, twin.guests = self.size, dict(self.entries), dict(self.guests)
        twin.children = {inode: dict(names) for inode, names in self.children.items()}
        return twin

    def follow(self, applied: Applied, root: Entry) -> None:
        """Become what another tree became by a command that it has done. `root` is that tree's, now."""
        for old in applied.before:
            self._unlist_guest(old)
            del self.children[old.parent][old.name]
            self.size -= old.size
        for inode in applied.removed:
            del self.entries[inode]
            self.children.pop(inode, None)
        for entry in applied.entries:
            self.entries[entry.inode] = entry
            self.size += entry.size
            if entry.is_dir:
                self.children.setdefault(entry.inode, {})
        for entry in applied.entries:
            self.children[entry.parent][entry.name] = entry.inode
        for entry in applied.entries:
            self._list_guest(entry)
        self.entries[ROOT], self.version = root, root.version

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
        return "/".join(self._parts_of(inode))

    def walk(self) -> Iterator[Entry]:
        """Every entry but the root, by inode."""
        for inode in sorted(self.entries):
            if inode != ROOT:
                yield self.entries[inode]

    def _below(self, inode: int) -> Iterator[int]:
        """Every inode below a directory, directories before what is in them."""
        waiting = [inode]
        while waiting:
            for child in self.children.get(waiting.pop(), {}).values():
                yield child
                waiting.append(child)

    # --- the few places that touch the maps -------------------------------------------------------------------------

    def _parts_of(self, inode: int) -> list[str]:
        parts: list[str] = []
        while inode != ROOT:
            entry = self.entries[inode]
            parts.append(entry.name)
            inode = entry.parent
        return parts[::-1]

    def _put(self, entry: Entry) -> None:
        old = self.entries.get(entry.inode)
        if old is None and len(self.entries) >= ENTRIES_MAX:
            raise refuse(errno.ENOSPC, f"the store holds {ENTRIES_MAX} entries, no more fit")
        self._before.setdefault(entry.inode, old)
        if old is not None:
            self._unlist_guest(old)
            del self.children[old.parent][old.name]
            self.size -= old.size
        self.entries[entry.inode] = entry
        self.children[entry.parent][entry.name] = entry.inode
        self.size += entry.size
        if entry.is_dir:
            self.children.setdefault(entry.inode, {})
        self._list_guest(entry)

    def _drop(self, entry: Entry) -> None:
        self._before.setdefault(entry.inode, entry)
        self._unlist_guest(entry)
        del self.entries[entry.inode]
        del self.children[entry.parent][entry.name]
        self.children.pop(entry.inode, None)
        self.size -= entry.size

    def _take_back(self, version: int, size: int) -> None:
        before, self._before = self._before, {}
        for inode in before:
            if inode in self.entries:
                self._unlist_guest(self.entries[inode])
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
        for old in before.values():
            if old is not None:
                self._list_guest(old)
        self.version, self.size = version, size

    # --- guests -----------------------------------------------------------------------------------------------------

    def _list_guest(self, entry: Entry) -> None:
        guest_id = guest_id_of(entry.name) if not entry.is_dir else None
        place = place_of(self._parts_of(entry.parent)) if guest_id is not None else None
        if guest_id is None or place is None:
            return
        other = self.guests.get(guest_id)
        if other is not None and other.inode != entry.inode:
            raise refuse(errno.EIO, f"guest {guest_id} is on node {other.node} and on node {place[0]}")
        self.guests[guest_id] = Guest(*place, entry.inode)

    def _unlist_guest(self, entry: Entry) -> None:
        guest_id = guest_id_of(entry.name) if not entry.is_dir else None
        if guest_id is not None and guest_id in self.guests and self.guests[guest_id].inode == entry.inode:
            del self.guests[guest_id]
