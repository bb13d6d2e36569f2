"""What the mount needs of the store, as one narrow interface: the committed tree, a way to propose, and a few facts.

The mount knows the store through this; the store does not know the mount. Only the daemon's event loop calls it: the
mount's own threads never do. Tests hand in a tree and a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cluster.core.operations import AnyOperation
from cluster.core.tree import Tree


class StoreDoor(Protocol):
    """`node_name` is where the symbolic links lead."""

    node_name: str

    def tree(self) -> Tree:
        """The committed tree, now."""

    def writable(self) -> bool:
        """Can this node write now? Decides modes and whether anything is proposed at all."""

    async def propose(self, operations: Sequence[AnyOperation], uid: int) -> None:
        """One change, on a majority of disks when this returns. Raises QuireError; bounded in time."""

    async def unlock(self, path: str, uid: int) -> bool:
        """Asked to end the lock at `path`: end it if it is too old. Returns whether there is a lock to speak of."""

    def virtual(self, name: str) -> bytes:
        """The content of a virtual file, made now."""

    def set_debug(self, on: bool) -> None:
        """What was written to `.debug`."""
