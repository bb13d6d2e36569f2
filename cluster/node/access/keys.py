"""The keys of now, read from the tree: those that sign tickets, the one behind anti-forgery tokens, corosync's.

While a cluster fills this node's store there are none; tickets are then checked with those of the life before, so that
the page which started the join can watch it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cluster.core.tree import Tree
from cluster.errors import Unavailable
from cluster.node import first_start
from cluster.node.access.tickets import TicketKeys


class Keys:
    """Parsed once per key; `tree` gives the committed tree of now."""

    def __init__(self, tree: Callable[[], Tree], authkey: Path) -> None:
        self._tree, self._authkey = tree, authkey
        self._parsed: tuple[tuple[bytes, bytes, bytes | None], TicketKeys] | None = None

    def tickets(self) -> TicketKeys:
        tree = self._tree()
        private, public = tree.read(first_start.TICKET_KEY), tree.read(first_start.TICKET_PUBLIC_KEY)
        if private is None or public is None:
            if self._parsed is not None:
                return self._parsed[1]
            raise Unavailable("This node has no keys to check tickets with yet.")
        found = (private, public, tree.read(first_start.TICKET_FORMER_KEY))
        if self._parsed is None or self._parsed[0] != found:
            entry = tree.find(first_start.TICKET_KEY)
            self._parsed = (found, TicketKeys(*found, entry.mtime_s if entry is not None else None))
        return self._parsed[1]

    def csrf(self) -> bytes:
        key = self._tree().read(first_start.CSRF_KEY)
        if key is None:
            raise Unavailable("This node has no keys to check requests with yet.")
        return key

    def corosync(self) -> bytes:
        """What every member has and nobody else; empty on a stand-alone node."""
        try:
            return self._authkey.read_bytes()
        except OSError:
            return b""
