"""A pretended node: a real replica of the store in memory, and a voice in the status group with invented figures.

It answers no web requests; what it says of itself is made up by `figures.py`. When it lives and dies is `events.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from typing import TYPE_CHECKING

from cluster import version
from cluster.core.effects import Fetch
from cluster.core.events import HistoryFetched
from cluster.core.replica import Replica
from cluster.core.snapshot import Snapshot
from cluster.engine.base import EngineEvent, GroupChanged
from cluster.engine.simulated import SimulatedEngine
from cluster.errors import QuireError, Unavailable
from cluster.model import Node
from cluster.node.board_messages import GROUP, Announcement, Linked, LogEntry, Logged, Sampled, encode
from cluster.node.connection import Connection, NoService
from cluster.node.driver import Driver
from cluster.node.life import votes_of
from cluster.node.simulation.figures import Host
from cluster.store.memory import MemoryDisk

if TYPE_CHECKING:
    from cluster.node.simulation.world import World

INFORMATION = 6  # syslog's priority
PORT = 8006
LEFT_S = 600 * 86400.0  # until a pretended certificate ends


class SimulatedPeer:
    """`rise` and `die`, any number of times."""

    def __init__(self, world: World, node: Node, snapshot: Snapshot, lineage: str) -> None:
        self.node = node
        self.disk = MemoryDisk(lineage, node.node_id, snapshot, blank=False)
        self.driver: Driver | None = None
        self._world = world
        self.host = Host(node.name, world.seed)
        self._connection: Connection | None = None
        self._members: tuple[object, ...] = ()
        self._entries = 0

    @property
    def alive(self) -> bool:
        return self.driver is not None

    async def rise(self) -> None:
        if self.alive:
            return
        self.disk.cut()
        engine = SimulatedEngine(self._world.network, self.node.node_id)
        replica = Replica(self.disk.load(), votes_of, str(self.node.node_id))
        self.driver = Driver(replica, self.disk, engine, self, lambda changes, whole: None, lambda: None)
        self._connection = Connection(engine, NoService(), self._hear)
        self._connection.keep_trying()

    async def die(self, *, with_host: bool) -> None:
        """The daemon ends; with its host, nobody is told so and the ring breaks."""
        driver, connection = self.driver, self._connection
        if driver is None or connection is None:
            return
        self.driver = self._connection = None
        if with_host:
            self._world.network.crash(self.node.node_id)
        await driver.close()
        await connection.disconnect(stop_service=False)

    async def fetch(self, wanted: Fetch) -> HistoryFetched:
        return await self._world.history(wanted)

    # --- its voice ----------------------------------------------------------------------------------------------------

    def tell_figures(self) -> None:
        sample = self.host.sample(time.time())
        self._say(encode(Sampled(sample.time_s, sample.values)))
        self._say(encode(Linked(self._world.links_of(self.node.node_id), None)))

    def log(self, message: str, tag: str = "quire", priority: int = INFORMATION) -> None:
        self._entries += 1
        entry = LogEntry(self._entries, int(time.time()), priority, tag, 1000, self.node.name, "root@pam", message)
        self._say(encode(Logged((entry,))))

    def _hear(self, event: EngineEvent) -> None:
        if self.driver is not None:
            self.driver.hear(event)
        if isinstance(event, GroupChanged) and event.group == GROUP and set(event.members) - set(self._members):
            self._members = event.members
            asyncio.get_running_loop().call_soon(self._announce)

    def _announce(self) -> None:
        digest = hashlib.sha256(f"{self._world.seed}/{self.node.name}".encode()).hexdigest().upper()
        fingerprint = ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))
        address = self.node.links[0].address
        self._say(
            encode(Announcement(self.node.name, address, PORT, fingerprint, version.VERSION, time.time() + LEFT_S))
        )

    def _say(self, payload: bytes) -> None:
        if self._connection is not None and self._connection.connected:
            with contextlib.suppress(QuireError):
                self._connection.engine.multicast(GROUP, payload)

    def serve(self) -> tuple[MemoryDisk, Replica]:
        """What another node fetches history from. Raises Unavailable."""
        if self.driver is None:
            raise Unavailable(f"{self.node.name} is off.")
        return self.disk, self.driver.replica
