"""Group communication for a node that is in no cluster: a group of one that hears itself.

A stand-alone node's store goes through the same replica as a cluster's; this is the engine under it. It keeps the
ordering contract of base.py trivially and never loses anything but the process itself.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection

from cluster.engine.base import Delivered, EngineEvent, EngineStatus, GroupChanged, Measured, QuorumChanged
from cluster.model import Member, Quorum, RingId

RING = RingId(1, 0)


class AloneEngine:
    """One node, always quorate. `node_id` is 0 on a stand-alone node."""

    name = "alone"

    def __init__(self, node_id: int = 0) -> None:
        self._member = Member(node_id, os.getpid())
        self._on_event: Callable[[EngineEvent], None] | None = None
        self._groups: set[str] = set()

    async def start(self, on_event: Callable[[EngineEvent], None]) -> None:
        self._on_event = on_event
        self._tell(QuorumChanged(RING, (self._member.node_id,), self._quorum()))

    async def stop(self) -> None:
        self._on_event = None
        self._groups.clear()

    async def join(self, group: str) -> None:
        self._groups.add(group)
        self._tell(GroupChanged(group, RING, (self._member,)))

    async def leave(self, group: str) -> None:
        self._groups.discard(group)

    def multicast(self, group: str, payload: bytes) -> None:
        if group in self._groups:
            self._tell(Delivered(group, self._member, payload))

    async def reload(self) -> None:
        return

    async def status(self) -> EngineStatus:
        running = self._on_event is not None
        return EngineStatus(running, self._member.node_id, RING, (self._member.node_id,), self._quorum())

    async def config_version(self) -> int:
        return (await self.status()).config_version

    async def measure(self, wanted: Collection[tuple[int, int]]) -> Measured:
        return Measured()

    def _quorum(self) -> Quorum:
        return Quorum(True, 1, 1, 1, 1, ("Quorate",))

    def _tell(self, event: EngineEvent) -> None:
        """Later, in order: a sender never hears itself before its own call has returned."""
        asyncio.get_running_loop().call_soon(self._hear, event)

    def _hear(self, event: EngineEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)
