"""The mount's own copy of the committed tree, and which of its inodes the kernel knows.

The daemon's event loop changes the store's tree at any moment; the mount's thread answers from this copy, which follows
under the mount's lock, one change at a time: so no answer shows half of one. Entries are shared, the maps are not.
What was removed stays as long as the kernel knows it: somebody may have it open.
"""

from __future__ import annotations

import errno

from cluster.core.entry import ROOT, Applied, Entry
from cluster.core.tree import Tree
from cluster.store.mount import virtual
from cluster.store.mount.answers import Failure
from cluster.store.mount.protocol import ROOT_NODE


def node_of(inode: int) -> int:
    """The kernel's number of a tree entry: one more, because the kernel's root is 1 and the tree's is 0."""
    return inode + 1


class View:
    """`tree` is read only. `known` counts how often the kernel was told of each of its numbers."""

    def __init__(self) -> None:
        self.tree = self._original = Tree()
        self.writable = False
        self.known: dict[int, int] = {}
        self._removed: dict[int, Entry] = {}

    def replace(self, tree: Tree) -> set[tuple[int, str]]:
        """It is another tree now, or this is the first. Returns the names, each after its directory's inode, that
        lead elsewhere than before."""
        led = {(entry.parent, entry.name, entry.inode) for entry in self.tree.walk()}
        leads = {(entry.parent, entry.name, entry.inode) for entry in tree.walk()}
        self.tree, self._original = tree.copy(), tree
        self._removed.clear()
        return {(parent, name) for parent, name, _ in led ^ leads}

    def is_of(self, tree: Tree) -> bool:
        """Is this a copy of that very tree, however far it has changed?"""
        return self._original is tree

    def follow(self, applied: Applied) -> None:
        """The original has done this."""
        self.tree.follow(applied, self._original.entries[ROOT])
        for entry in applied.before:
            if entry.inode not in self.tree.entries and node_of(entry.inode) in self.known:
                self._removed[entry.inode] = entry

    # --- what the kernel knows --------------------------------------------------------------------------------------

    def told(self, node: int) -> None:
        self.known[node] = self.known.get(node, 0) + 1

    def forget(self, node: int, count: int) -> bool:
        """Returns whether the kernel does not know the number any more."""
        left = self.known.get(node, 0) - count
        if left > 0:
            self.known[node] = left
            return False
        self.known.pop(node, None)
        self._removed.pop(node - 1, None)
        return True

    def is_known(self, node: int) -> bool:
        return node == ROOT_NODE or node in self.known

    # --- looking ----------------------------------------------------------------------------------------------------

    def entry(self, inode: int) -> Entry:
        """Raises Failure (ENOENT) for one that is not in the tree."""
        entry = self.tree.entries.get(inode)
        if entry is None:
            raise Failure(errno.ENOENT)
        return entry

    def removed(self, inode: int) -> Entry | None:
        return self._removed.get(inode)

    def child(self, directory: int, name: str) -> Entry | None:
        inode = self.tree.children.get(directory, {}).get(name)
        return self.tree.entries[inode] if inode is not None else None

    def path(self, directory: int, name: str) -> str:
        """The path of a name in a directory. Raises Failure when the directory is gone."""
        self.entry(directory)
        above = self.tree.path_of(directory)
        return f"{above}/{name}" if above else name

    def hides(self, directory: int, name: str) -> bool:
        """Does a virtual object have this name?"""
        return directory == ROOT and name in virtual.INODES
