"""Notices that the cluster has taken this node out, says so, and takes no part in the cluster any more.

The committed nodelist decides, or for a machine that was off meanwhile a member's word (`homecoming.py`): the engine is
stopped after a moment and not started again, so the store is read-only. What the node's people do then is to let it
leave (`cluster/workflow/leave.py`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from cluster.engine.base import EngineEvent, EngineLost
from cluster.node.homecoming import Homecoming
from cluster.node.life import Life
from cluster.node.options import Options

LOOK_EVERY_S = 0.2
GRACE_S = 10.0  # how long the others may need this node to decide that its vote counts no more

log = logging.getLogger(__name__)


class Removed:
    """`sentence` says it while the cluster goes on without this node, else empty."""

    def __init__(
        self,
        options: Options,
        life: Life,
        busy: Callable[[], bool],
        renamed: Callable[[], str],
        on_event: Callable[[EngineEvent], None],
    ) -> None:
        self._name, self._life, self._busy, self._on_event = options.name, life, busy, on_event
        self._renamed = renamed
        self.homecoming = Homecoming(options, life, life.document)

    @property
    def sentence(self) -> str:
        document = self._life.document() if self._life.is_open else None
        if document is None or self._busy() or self._renamed() or self.homecoming.admitted:
            return ""
        if document.node(self._name) is not None and self.homecoming.told is None:
            return ""
        return (
            f"{self._name} was removed from the cluster {document.cluster_name}. Its copy of the configuration is "
            "read-only and is not kept up to date. Let it leave the cluster to make it stand-alone; then it may join "
            "again."
        )

    async def watch(self) -> None:
        """For ever."""
        await asyncio.gather(self._watch(), self.homecoming.watch())

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if self.sentence and not self._life.connection.idle:
                await self._until_not_needed()
                if self.sentence:
                    await self._end()

    async def _until_not_needed(self) -> None:
        end_s = time.monotonic() + GRACE_S
        while self._votes() and time.monotonic() < end_s:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(LOOK_EVERY_S)

    def _votes(self) -> bool:
        replica = self._life.replica
        return any(replica.node_id in one.votes for one in replica.machine.electorates())

    async def _end(self) -> None:
        lost = EngineLost(self.sentence)
        log.warning("%s", lost.reason)
        await self._life.connection.disconnect(stop_service=True)
        self._life.driver.hear(lost)
        self._on_event(lost)
        if not self.sentence:  # taken back while the engine was being stopped: nobody else would start it again
            self._life.connection.keep_trying()
