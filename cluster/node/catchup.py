"""Catching up: how a node that lacks history gets it from another, and how this node gives it.

The request is the points the asker has and the one it wants; the answer is the entries between, or a whole snapshot.
Carried by HTTPS between nodes, pinned and proved with the corosync key (`cluster/control/peer.py`), never by the group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from cluster.control import peer
from cluster.core.effects import Fetch
from cluster.core.events import HistoryFetched
from cluster.core.log import Entry
from cluster.core.machine import Machine
from cluster.core.messages import Point
from cluster.core.snapshot import Snapshot
from cluster.errors import FingerprintMismatch, InvalidInput, PeerError, StoreDamaged
from cluster.store.base import Disk


class Wanted(msgspec.Struct, array_like=True, frozen=True):
    have: tuple[Point, ...]
    want: Point


class History(msgspec.Struct, array_like=True, frozen=True):
    common: Point | None
    snapshot: Snapshot | None
    entries: tuple[Entry, ...]


async def serve(body: bytes, disk: Disk, machine: Machine, damaged: Callable[[str], None]) -> bytes:
    """This node's answer to another member; `damaged` is told when its log cannot give it, and memory does. Raises
    InvalidInput for a request that makes no sense."""
    try:
        wanted = msgspec.msgpack.decode(body, type=Wanted)
    except (msgspec.DecodeError, ValueError):
        raise InvalidInput("The request for history is malformed.") from None
    found = None
    try:
        found = await asyncio.to_thread(disk.history, wanted.have, wanted.want) if wanted.have else None
    except StoreDamaged as error:
        damaged(error.message)
    if found is not None:
        return msgspec.msgpack.encode(History(found[0], None, tuple(found[1])))
    snapshot = machine.snapshot()
    missing = tuple(entry for entry in machine.log.suffix if entry.point.index <= wanted.want.index)
    return msgspec.msgpack.encode(History(None, snapshot, missing))


class PeerHistories:
    """Fetches from the source's web port. `contact` is "address|port|fingerprint" as `contact_of` makes it;
    `newer_contact(node_id)` gives what the node has announced, mostly since, or "". Both came through the group."""

    def __init__(self, node_id: int, authkey: Callable[[], bytes], newer_contact: Callable[[int], str]) -> None:
        self._node_id, self._authkey, self._newer_contact = node_id, authkey, newer_contact

    async def fetch(self, wanted: Fetch) -> HistoryFetched:
        newer = self._newer_contact(wanted.source) or wanted.contact
        try:
            return await self._fetch(wanted, newer)
        except FingerprintMismatch:
            if wanted.contact in ("", newer):
                raise
            return await self._fetch(wanted, wanted.contact)

    async def _fetch(self, wanted: Fetch, contact: str) -> HistoryFetched:
        address, port, fingerprint = _split(contact)
        body = msgspec.msgpack.encode(Wanted(wanted.have, wanted.want))
        data = await peer.fetch(address, port, fingerprint, self._node_id, self._authkey(), body)
        try:
            history = msgspec.msgpack.decode(data, type=History)
        except (msgspec.DecodeError, ValueError):
            raise PeerError(f"Node {wanted.source} at {address} answered with something that is no history.") from None
        return HistoryFetched(wanted.epoch, history.common, history.snapshot, history.entries)


def contact_of(address: str, port: int, fingerprint: str) -> str:
    return f"{address}|{port}|{fingerprint}"


def _split(contact: str) -> tuple[str, int, str]:
    parts = contact.split("|")
    if len(parts) != 3 or not parts[1].isdigit():
        raise PeerError("The node that has the history has not said how it is reached.")
    return parts[0], int(parts[1]), parts[2]
