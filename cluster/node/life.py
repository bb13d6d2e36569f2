"""One life of the store on this node: its disk, its replica, the driver between, and the engine they speak through.

The store changes lineage when the node founds a cluster, adopts one or gives one up; each time a life ends and another
begins, on the same path. A stand-alone store lives on the engine of one (`cluster/engine/alone.py`). Who asks for a
change of life is `host.py`; what a life reports goes to the daemon's callbacks.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from cluster.core.effects import Committed
from cluster.core.machine import CONFIGURATION, Durable
from cluster.core.replica import Replica
from cluster.core.tree import Tree
from cluster.corosync import conf
from cluster.engine.alone import AloneEngine
from cluster.engine.base import Engine, EngineEvent, EngineLost
from cluster.errors import QuireError, Unavailable
from cluster.model import Node
from cluster.node.connection import Connection, NoService, Service
from cluster.node.driver import Driver, Histories
from cluster.node.until import until
from cluster.node.waking import ALONE_NODE_ID, wake, wake_blank
from cluster.store import disk as store
from cluster.store import lineage as lineages
from cluster.store.base import Disk
from cluster.store.mark import Mark

TRIM_EVERY_S = 600.0
WRITABLE_TIMEOUT_S = 10.0

log = logging.getLogger(__name__)
_parsed = lru_cache(maxsize=2)(conf.parse)  # asked for at every change of anything, and it rarely differs


class Life:
    """`open` before anything else. Attributes are replaced at each change of life: do not keep them."""

    disk: Disk
    replica: Replica
    driver: Driver
    connection: Connection

    def __init__(
        self,
        path: Path,
        make_engine: Callable[[int], tuple[Engine, Service]],
        make_histories: Callable[[int], Histories],
        contact: Callable[[], str],
        on_committed: Callable[[tuple[Committed, ...], bool], None],
        on_phase: Callable[[], None],
        on_event: Callable[[EngineEvent], None],
    ) -> None:
        self.path = path
        self._make_engine, self._make_histories, self._contact = make_engine, make_histories, contact
        self._on_committed, self._on_phase, self._on_event = on_committed, on_phase, on_event
        self.is_open = False

    @property
    def tree(self) -> Tree:
        return self.replica.machine.tree

    @property
    def clustered(self) -> bool:
        """Does the store belong to a cluster, or wait to be filled by one?"""
        return self.replica.blank or self.tree.find(CONFIGURATION) is not None

    def nodes(self) -> tuple[Node, ...]:
        """Of the committed corosync.conf; none on a stand-alone node."""
        document = self.document()
        return document.nodes() if document is not None else ()

    def document(self) -> conf.Document | None:
        """The committed corosync.conf; None on a stand-alone node, and when it cannot be read."""
        text = self.tree.read(CONFIGURATION)
        if text is None:
            return None
        try:
            return _parsed(text)
        except QuireError as error:
            log.error("The corosync.conf in the store cannot be read: %s", error.message)
            return None

    # --- beginning and end ------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Wake the store, or make a stand-alone one. Raises StoreDamaged, Unavailable."""
        self._live(*wake(self.path))

    def _live(self, disk: Disk, durable: Durable) -> None:
        self.disk, self.damage = disk, ""
        self.replica = Replica(durable, votes_of, self._contact())
        engine: Engine
        service: Service
        if self.clustered:
            engine, service = self._make_engine(durable.node_id)
        else:
            engine, service = AloneEngine(durable.node_id), NoService()
        histories = self._make_histories(durable.node_id)
        self.driver = Driver(self.replica, self.disk, engine, histories, self._on_committed, self._on_phase)
        self.connection = Connection(engine, service, self._hear)
        self.is_open = True

    async def close(self) -> None:
        """End this life; what was asked for and not answered stays unknown. corosync runs on."""
        if not self.is_open:
            return
        self.is_open = False
        await self.driver.close()
        await self.connection.disconnect(stop_service=False)
        self._on_event(EngineLost("The store is changing hands."))
        await asyncio.to_thread(self.disk.close)  # may take as long as the disk does

    async def begin(self) -> None:
        """Connect: at once when stand-alone, in the background when the engine may take its time."""
        if self.clustered:
            self.connection.keep_trying()
        else:
            await self.connection.connect()

    async def watch(self) -> None:
        """For ever: forget the oldest log entries beyond the disk's budget, so that the store's file stays bounded."""
        while True:
            await asyncio.sleep(TRIM_EVERY_S)
            self.disk.trim()

    # --- a disk that failed -----------------------------------------------------------------------------------------

    def fail(self, reason: str, *, damaged: bool) -> None:
        """What is on disk cannot be relied on. With `damaged`, nothing of it is to be believed when it is woken."""
        if damaged:
            self.damage = self.damage or reason
        self.driver.fail(reason)

    async def wake_again(self) -> None:
        """Open the store anew after its disk failed, and come back into the group. Until that succeeds the old life
        goes on, in which this node reads and does not write. Raises StoreDamaged, Unavailable."""
        old = self.replica
        known = Mark(old.uuid, old.node_id)
        await asyncio.to_thread(self.disk.close)
        waking = (wake_blank, self.path, self.damage, known) if self.damage else (wake, self.path, known)
        disk, durable = await asyncio.to_thread(*waking)
        if self.replica is not old or not self.is_open:
            disk.close()
            raise Unavailable("The store changed hands meanwhile.")
        if durable.blank:  # shown until the others have sent theirs: it was verified when it was read
            durable = replace(durable, snapshot=old.machine.snapshot(), suffix=tuple(old.machine.log.suffix))
        await self.driver.close()
        await self.connection.disconnect(stop_service=False)
        self._on_event(EngineLost("The store is opened anew."))
        self._live(disk, durable)
        await self.begin()
        self._on_committed((), True)

    # --- changes of life --------------------------------------------------------------------------------------------

    async def found(self, lineage: str, node_id: int, votes: int) -> None:
        """The store becomes a cluster's of which this node is the first; its content stays."""
        await self.close()
        lineages.found(self.path, lineage, node_id, votes)
        self.open()

    async def separate(self, without: Callable[[str], bool]) -> None:
        """The store becomes a stand-alone node's own again, without the paths `without` names."""
        await self.close()
        lineages.separate(self.path, str(uuid.uuid4()), ALONE_NODE_ID, without)
        self.open()
        await self._begin_alone()
        self._on_committed((), True)

    async def adopt(self, lineage: str, node_id: int) -> None:
        """The store becomes blank, to be filled by the cluster `lineage`."""
        await self.close()
        lineages.blank(self.path, lineage, node_id)
        self.open()

    async def restore(self, backup: Path) -> None:
        """The store becomes what a backup holds, and lives on as that."""
        await self.close()
        store.restore(self.path, backup)
        self.open()
        if not self.clustered:
            await self._begin_alone()
        self._on_committed((), True)

    async def _begin_alone(self) -> None:
        """Returns once the store can be written: until then the last of what it holds does not show. Raises
        Unavailable."""
        await self.begin()
        await until(lambda: self.replica.writable, WRITABLE_TIMEOUT_S, "This node's own store did not open.")

    def _hear(self, event: EngineEvent) -> None:
        self.driver.hear(event)
        self._on_event(event)


def votes_of(text: bytes) -> dict[int, int]:
    """Node id → votes in a corosync.conf; empty when it cannot be read, which leaves the electorate as it is."""
    try:
        return {node.node_id: node.votes for node in _parsed(text).nodes()}
    except QuireError as error:
        log.warning("The corosync.conf in the store cannot be read: %s", error.message)
        return {}
