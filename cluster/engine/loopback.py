"""The embedded engine: several nodes on one machine that hear each other over the wire (`wire.py`), without corosync.

Reads the same corosync.conf and authkey as corosync would: who the nodes are and what they vote comes from the first,
who may hear whom also from the second, since a node with another key or cluster name is simply in another cluster.
Quorum is counted here, by `cluster/core/quorum.py`. The highest ring sequence seen is kept beside corosync.conf.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from cluster.core import quorum as votequorum
from cluster.engine import wire_frames as frames
from cluster.engine.base import (
    MESSAGE_SIZE_MAX,
    QUEUE_MESSAGES_MAX,
    Delivered,
    EngineEvent,
    EngineLost,
    EngineStatus,
    GroupChanged,
    LinkStatus,
    Measured,
    QuorumChanged,
)
from cluster.engine.loopback_files import Configuration, RingFile, read_configuration
from cluster.engine.loopback_links import LinkMeter
from cluster.engine.wire_line import WireLine, open_line
from cluster.errors import Busy, InvalidInput, QuireError, Unavailable
from cluster.model import Member, RingId

QUEUE_BYTES_MAX = 64 << 20
START_TIMEOUT_S = 10.0
RELOAD_TIMEOUT_S = 5.0
NEWER_TRIES, NEWER_RETRY_S = 200, 0.05  # how long a node waits for the configuration another one has already


class LoopbackEngine:
    """`cluster/engine/base.py`'s Engine. `node` is this node's name, or its id, in the nodelist of corosync.conf."""

    name = "loopback"

    def __init__(self, conf_path: Path, authkey_path: Path, node: str | int, wire_path: Path) -> None:
        self._conf_path, self._authkey_path, self._node = conf_path, authkey_path, node
        self._wire_path = wire_path.absolute()
        self._ring_file = RingFile(conf_path.parent / "ringid")
        self._on_event: Callable[[EngineEvent], None] | None = None
        self._line: WireLine | None = None
        self._configuration: Configuration | None = None
        self._ring: frames.Ring | None = None
        self._groups: set[str] = set()
        self._waiting_for_all = True
        self._expected: int | None = None
        self._meter = LinkMeter()
        self._reloads: deque[asyncio.Future[None]] = deque()
        self._newer: asyncio.Task[None] | None = None

    # --- life ---------------------------------------------------------------------------------------------------------

    async def start(self, on_event: Callable[[EngineEvent], None]) -> None:
        await self.stop()
        configuration = read_configuration(self._conf_path, self._authkey_path, self._node)
        sequence = self._ring_file.read()
        nodes = sorted(configuration.votes)
        hello = frames.Hello(configuration.key, configuration.node_id, os.getpid(), sequence, nodes)
        line, ring = await open_line(self._wire_path, hello, START_TIMEOUT_S)
        self._configuration, self._on_event, self._line = configuration, on_event, line
        self._meter = LinkMeter()
        self._waiting_for_all = True
        self._ring_changed(ring)
        line.listen(self._heard, self._lost)

    async def stop(self) -> None:
        line, newer = self._forget()
        if newer is not None:
            newer.cancel()
            await asyncio.gather(newer, return_exceptions=True)
        if line is not None:
            await line.close()

    async def join(self, group: str) -> None:
        line = self._connected()
        if group not in self._groups:
            self._groups.add(group)
            line.put(frames.encode(frames.Join(group)))

    async def leave(self, group: str) -> None:
        if self._line is not None and group in self._groups:
            self._groups.discard(group)
            self._line.put(frames.encode(frames.Leave(group)))

    def multicast(self, group: str, payload: bytes) -> None:
        line = self._connected()
        if group not in self._groups:
            raise Unavailable(f"Nothing can be sent to group {group}: this node is not a member of it now.")
        if len(payload) > MESSAGE_SIZE_MAX:
            raise InvalidInput(f"A message of {len(payload)} bytes is larger than the {MESSAGE_SIZE_MAX} allowed.")
        if line.queued >= QUEUE_MESSAGES_MAX or line.queued_bytes >= QUEUE_BYTES_MAX:
            raise Busy("Too many messages are waiting to be sent; try again.")
        self._meter.left()
        line.put(frames.encode(frames.Send(group, payload)))

    async def reload(self) -> None:
        line = self._connected()
        version = self._read().version
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reloads.append(done)
        line.put(frames.encode(frames.Reload(version)))
        try:
            async with asyncio.timeout(RELOAD_TIMEOUT_S):
                await done
        except TimeoutError:
            raise Unavailable("The wire did not pass on that the configuration changed.") from None

    async def status(self) -> EngineStatus:
        configuration, ring = self._configuration, self._ring
        if self._line is None or configuration is None or ring is None:
            return EngineStatus(running=False)
        changed = self._quorum(ring, configuration)
        return EngineStatus(
            running=True,
            node_id=configuration.node_id,
            config_version=configuration.version,
            ring=changed.ring,
            nodes=changed.nodes,
            quorum=changed.quorum,
            votes={node_id: configuration.votes.get(node_id, 0) for node_id in ring.nodes},
            links=tuple(
                LinkStatus(peer, link, peer in ring.nodes)
                for peer, links in sorted(configuration.links.items())
                if peer != configuration.node_id
                for link in links
            ),
        )

    async def config_version(self) -> int:
        return (await self.status()).config_version

    async def measure(self, wanted: Collection[tuple[int, int]]) -> Measured:
        configuration = self._configuration
        if self._line is None or configuration is None:
            return Measured()
        links = configuration.links
        return self._meter.measured(
            {pair: links[pair[0]][pair[1]] for pair in wanted if pair[1] in links.get(pair[0], {})}
        )

    def expect(self, votes: int | None) -> None:
        """Count on so many votes until the configuration changes, on this node; None: on those configured."""
        self._expected = votes
        self._tell_quorum()

    def _connected(self) -> WireLine:
        if self._line is None:
            raise Unavailable("The engine is not connected to the wire.")
        return self._line

    def _forget(self) -> tuple[WireLine | None, asyncio.Task[None] | None]:
        """Become a stopped engine at once; what is returned is still to be ended."""
        line, newer = self._line, self._newer
        self._on_event = self._line = self._newer = self._ring = None
        self._groups = set()
        while self._reloads:
            _settle(self._reloads.popleft(), Unavailable("The engine stopped before the reload was passed on."))
        return line, newer

    # --- what the wire says -------------------------------------------------------------------------------------------

    def _heard(self, message: frames.FromWire) -> None:
        match message:
            case frames.Message(group, node_id, pid, payload):
                if self._configuration is not None and (node_id, pid) == (self._configuration.node_id, os.getpid()):
                    self._meter.came_back()
                self._tell(Delivered(group, Member(node_id, pid), payload))
            case frames.View(group, sequence, representative, members):
                listed = tuple(Member(node_id, pid) for node_id, pid in members)
                self._tell(GroupChanged(group, RingId(sequence, representative), listed))
            case frames.Ring():
                self._ring_changed(message)
            case frames.Reloaded(version):
                self._reloaded(version)

    def _lost(self, reason: str) -> None:
        on_event = self._on_event
        _, newer = self._forget()
        if newer is not None:
            newer.cancel()
        if on_event is not None:
            on_event(EngineLost(reason))

    def _ring_changed(self, ring: frames.Ring) -> None:
        self._ring_file.keep(ring.sequence)
        self._meter.ring(ring.nodes)
        self._ring = ring
        self._tell_quorum()

    def _tell_quorum(self) -> None:
        if self._ring is not None and self._configuration is not None:
            self._tell(self._quorum(self._ring, self._configuration))

    def _quorum(self, ring: frames.Ring, configuration: Configuration) -> QuorumChanged:
        votes, options = configuration.votes, configuration.options
        if self._expected is not None:
            options = replace(options, expected_votes=self._expected)
        self._waiting_for_all = votequorum.still_waiting(votes, ring.nodes, options, self._waiting_for_all)
        decided = votequorum.decide(votes, ring.nodes, options, self._waiting_for_all)
        return QuorumChanged(RingId(ring.sequence, ring.representative), tuple(ring.nodes), decided)

    def _tell(self, event: EngineEvent) -> None:
        """A listener that fails is reported and hears the next event all the same: it may not be skipped."""
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:
            context = {"message": f"A listener failed on {type(event).__name__}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)

    # --- configuration ------------------------------------------------------------------------------------------------

    def _read(self) -> Configuration:
        return read_configuration(self._conf_path, self._authkey_path, self._node)

    def _reloaded(self, version: int) -> None:
        """Somebody asked every member to reload, having seen this version."""
        if not self._take_configuration(version) and (self._newer is None or self._newer.done()):
            self._newer = asyncio.get_running_loop().create_task(self._wait_for(version))
        if self._reloads:
            _settle(self._reloads.popleft())

    def _take_configuration(self, version: int) -> bool:
        """Use what is on disk now; False when that is older than the version others have, or cannot be read."""
        configuration = None
        with contextlib.suppress(QuireError):
            configuration = self._read()
        if configuration is None or self._line is None:
            return False
        if configuration != self._configuration:
            if self._configuration is not None and configuration.key != self._configuration.key:
                self._line.put(frames.encode(frames.Rekeyed(configuration.key)))
            self._configuration, self._expected = configuration, None
            self._line.put(frames.encode(frames.Configured(sorted(configuration.votes))))
            self._tell_quorum()
        return configuration.version >= version

    async def _wait_for(self, version: int) -> None:
        """The copy on this node's disk may come a moment after the news of it."""
        for _ in range(NEWER_TRIES):
            await asyncio.sleep(NEWER_RETRY_S)
            if self._take_configuration(version):
                return


def _settle(reload: asyncio.Future[None], error: Unavailable | None = None) -> None:
    """Whoever asked may have given up waiting."""
    if reload.done():
        return
    if error is None:
        reload.set_result(None)
    else:
        reload.set_exception(error)
