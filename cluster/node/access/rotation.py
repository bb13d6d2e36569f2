"""Gives the cluster a new key for tickets every day, and at once when a node that knew the old one was taken out.

Any node may do it: the change holds only while the key is still the one that was found old, so exactly one does. For a
day's change the former public key stays, and its tickets live out their time; after a removal it does not, because
whoever has the private key could make tickets that look older.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from cluster.core.operations import Expect, Remove, Write, digest_of
from cluster.core.tree import AnyOperation, Tree
from cluster.errors import QuireError, StoreRefusal
from cluster.node import first_start
from cluster.node.access import tickets
from cluster.node.access.directory import Propose

AGE_S_MAX = 24 * 3600
LOOK_EVERY_S = 60.0
ATTEMPTS = 5

log = logging.getLogger(__name__)


class Place(Protocol):
    """What of a node's life this needs."""

    @property
    def tree(self) -> Tree: ...


class Rotation:
    """`may_write` says whether this node can change the tree now."""

    def __init__(
        self, place: Place, propose: Propose, may_write: Callable[[], bool], now_s: Callable[[], float]
    ) -> None:
        self._place, self._propose, self._may_write, self._now_s = place, propose, may_write, now_s

    async def watch(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self._may_write() and self.is_due():
                try:
                    await self.rotate()
                except QuireError as error:
                    log.info("The key of tickets could not be changed now: %s", error.message)

    def is_due(self) -> bool:
        entry = self._place.tree.find(first_start.TICKET_KEY)
        return entry is not None and self._now_s() - entry.mtime_s >= AGE_S_MAX

    async def rotate(self, *, forget_former: bool = False) -> None:
        """Raises what a change raises; that another node did it meanwhile is no error."""
        tree = self._place.tree
        private, public = tree.read(first_start.TICKET_KEY), tree.read(first_start.TICKET_PUBLIC_KEY)
        if private is None or public is None:
            return
        new_private, new_public = await asyncio.to_thread(tickets.new_ticket_keys)
        operations: list[AnyOperation] = [
            Expect(first_start.TICKET_KEY, digest_of(private)),
            Write(first_start.TICKET_KEY, new_private),
            Write(first_start.TICKET_PUBLIC_KEY, new_public),
        ]
        if forget_former:
            operations += [Remove(first_start.TICKET_FORMER_KEY, missing_ok=True)]
            operations += [Write(first_start.CSRF_KEY, tickets.new_csrf_key())]
        else:
            operations += [Write(first_start.TICKET_FORMER_KEY, public)]
        await self._once(operations)

    async def after_removal(self) -> None:
        """A node is out. Tries a few times; who cannot even then is told in the log."""
        for attempt in range(ATTEMPTS):
            try:
                await self.rotate(forget_former=True)
            except QuireError as error:
                log.warning("The key of tickets is still known to a removed node: %s", error.message)
                await asyncio.sleep(2.0**attempt)
            else:
                return

    async def _once(self, operations: Sequence[AnyOperation]) -> None:
        try:
            await self._propose(operations, "root@pam", "node")
        except StoreRefusal as error:
            log.info("Another node changed the key of tickets: %s", error.message)
