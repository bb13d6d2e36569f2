"""When the committed nodelist loses a node, the engines of those who stay must read it: one member sees to that.

The node that goes leaves its engine first, in good order, so that nobody waits for its silence; then the lowest of
those who stay has every engine read corosync.conf again,
and puts the folder of a node that left by itself into the archive. Asking once too often does no harm.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from cluster.corosync.conf import Document
from cluster.errors import QuireError
from cluster.node.life import Life
from cluster.workflow import tombstone
from cluster.workflow.host import Host
from cluster.workflow.undo_removal import removed_nodes

LOOK_EVERY_S = 0.2
TRIES, TRY_AGAIN_S = 10, 0.5
PATIENCE_S = 4.0  # how long a node that was taken out may stay a member of the engine's ring

log = logging.getLogger(__name__)


class Departures:
    """`watch` for ever; `document` is the committed configuration."""

    def __init__(self, name: str, life: Life, document: Callable[[], Document | None], host: Host) -> None:
        self._name, self._life, self._document, self._host = name, life, document, host

    async def watch(self) -> None:
        before: frozenset[int] = frozenset()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = self._configured()
            gone, before = before - now, now
            if gone and now:
                await self._until_left(gone)
                await self._reload(now)
                await self._archive()

    def _configured(self) -> frozenset[int]:
        """The ids of the nodelist, where it names this node; nothing on a node that is in no cluster."""
        document = self._document() if self._life.is_open else None
        if document is None or document.node(self._name) is None:
            return frozenset()
        return frozenset(node.node_id for node in document.nodes())

    async def _until_left(self, gone: frozenset[int]) -> None:
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            status = await self._life.connection.engine.status()
            if status.running and not gone & frozenset(status.nodes):
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def _reload(self, configured: frozenset[int]) -> None:
        """An engine that is just finding its new ring may refuse; it is asked again."""
        for _ in range(TRIES):
            engine = self._life.connection.engine
            status = await engine.status()
            here = configured & frozenset(status.nodes)
            if here and self._life.replica.node_id != min(here):
                return
            try:
                if here:
                    await engine.reload()
                    log.info("The engines read the configuration without the node that has gone.")
                    return
            except QuireError as error:
                log.warning("The engines have not read the configuration yet: %s", error.message)
            await asyncio.sleep(TRY_AGAIN_S)

    async def _archive(self) -> None:
        """A node that left needed its folder until it was gone. Whoever comes first does it; the rest find it done."""
        try:
            for stone in await removed_nodes(self._host) if self._life.replica.writable else ():
                paths = await self._host.store_paths()
                cleaning = tombstone.archiving(stone.name, paths)
                if stone.left and cleaning.moved:
                    await self._host.store_clean(cleaning)
        except QuireError as error:
            log.info("The folder of a node that left was not archived: %s", error.message)
