"""What a node remembers of its store apart from it: whose it is, and how far it was certainly on disk.

A store that lost its newest part, an old copy put back or another cluster's file reads perfectly well; only the mark
tells. It is one small record beside the store, overwritten in place after each flush and not flushed itself, so it is
never ahead of the store. A mark that is missing or unreadable accuses nobody. What follows from a suspicion is not
decided here.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from cluster.core.machine import Durable
from cluster.store.schema import CHECKSUM_BYTES, digest

RECORD_BYTES = 512  # one sector: it is written whole or not at all


class Mark(msgspec.Struct, array_like=True, frozen=True):
    """`epoch` and `index` are the last log entry's. A node in no cluster has the node id 0."""

    uuid: str
    node_id: int
    promised: int = 0
    epoch: int = 0
    index: int = 0


_decode = msgspec.msgpack.Decoder(Mark).decode


def place_of(store: Path) -> Path:
    return store.with_name(store.stem + ".mark")


def read(store: Path) -> Mark | None:
    """None when there is none, or none that can be believed."""
    try:
        record = place_of(store).read_bytes()
        size = int.from_bytes(record[CHECKSUM_BYTES : CHECKSUM_BYTES + 2], "big")
        body = record[CHECKSUM_BYTES + 2 : CHECKSUM_BYTES + 2 + size]
        return _decode(body) if digest(body) == record[:CHECKSUM_BYTES] else None
    except (OSError, msgspec.DecodeError):
        return None


def forget(store: Path) -> None:
    """Before the store becomes another's on purpose. Raises OSError."""
    place_of(store).unlink(missing_ok=True)
    folder = os.open(store.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write(store: Path, mark: Mark) -> None:
    """Overwrite the record, and flush it. Raises OSError."""
    with Marker(store) as marker:
        marker.put(mark)
        marker.flush()


def objection(mark: Mark | None, durable: Durable) -> str:
    """Why what was read cannot be this node's store as it left it: a sentence, or "". A blank store claims nothing."""
    if mark is None:
        return ""
    if (durable.uuid, durable.node_id) != (mark.uuid, mark.node_id):
        return "The store is that of another node or cluster."
    last = durable.suffix[-1].point if durable.suffix else durable.snapshot.point
    if not durable.blank and ((last.epoch, last.index) < (mark.epoch, mark.index) or durable.promised < mark.promised):
        return (
            f"The store is an older copy, or has lost its newest part: it ends at {last.epoch}.{last.index}, and this"
            f" node had {mark.epoch}.{mark.index} on disk."
        )
    return ""


class Marker:
    """The open record. Raises OSError."""

    def __init__(self, store: Path) -> None:
        self._file = os.open(place_of(store), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)

    def put(self, mark: Mark) -> None:
        body = msgspec.msgpack.encode(mark)
        record = digest(body) + len(body).to_bytes(2, "big") + body
        os.pwrite(self._file, record.ljust(RECORD_BYTES, b"\0"), 0)

    def flush(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Marker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
