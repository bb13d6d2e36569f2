"""What replicas say to each other in the `config` group: versioned, encoded and decoded here and nowhere else.

One byte of version, then a tagged msgpack array. A later version may add fields at the end of a message: an older node
ignores them. Who sent a message is what the engine says, never what the message says.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from cluster.errors import InvalidInput
from cluster.model import Member, RingId

VERSION = 1
PART_BYTES = 768 << 10  # of a message in pieces; an engine takes nearly 1 MiB at once
WHOLE_BYTES_MAX = 4 << 20


# A message with other numbers than these is malformed: an epoch must stay one that can be counted on from.
Natural = Annotated[int, msgspec.Meta(ge=0, le=(1 << 62))]


class Point(msgspec.Struct, array_like=True, frozen=True, order=True):
    """A place in the log: the epoch and index of an entry and the hash of everything up to it."""

    epoch: Natural
    index: Natural
    hash: bytes = b""


class InForce(msgspec.Struct, array_like=True, frozen=True):
    """Whose votes count from log index `since` on."""

    since: Natural
    votes: dict[Natural, Natural]


class Message(msgspec.Struct, array_like=True, tag=True, frozen=True):
    """Base of all messages. `view` says which view the sender speaks of."""

    view: bytes


class State(Message, frozen=True):
    """Where I stand, said once per view. `commit` is how far I know the log to be committed; `electorates` are those in
    force at it and, uncommitted, after it."""

    uuid: str
    blank: bool
    last: Point
    promised: Natural
    commit: Point
    electorates: Annotated[tuple[InForce, ...], msgspec.Meta(min_length=1)]
    contact: str = ""


class Proceed(Message, frozen=True):
    """Somebody has been silent for too long: go on with those whose State stands before this in the order."""


class Promise(Message, frozen=True):
    """I keep on disk that I will take part in no epoch before this one."""

    epoch: Natural


class Append(Message, frozen=True):
    """Entries for the log, in order. `bodies` are encoded by operations.py."""

    epoch: Natural
    bodies: tuple[bytes, ...]


class Ack(Message, frozen=True):
    """My log is on disk up to this index, in this epoch; `hash` begins the hash of the entry there."""

    epoch: Natural
    index: Natural
    hash: bytes = b""


class Barrier(Message, frozen=True):
    """Are you still in this epoch? Asked for all who wait to read on this node, which counts its questions."""

    epoch: Natural
    number: Natural


class Confirm(Message, frozen=True):
    """I am still in this epoch, which node `node_id` asked with this number; my disk has the log up to `index`."""

    epoch: Natural
    node_id: Natural
    number: Natural
    index: Natural


class StartAgain(Message, frozen=True):
    """Node `node_id` is too far behind to catch up in the order: it should leave, and fetch what it lacks."""

    epoch: Natural
    node_id: Natural


class Part(Message, frozen=True):
    """A piece of a message too large for the engine; the pieces of one sender follow each other in the order."""

    data: bytes
    last: bool


AnyMessage = State | Proceed | Promise | Append | Ack | Barrier | Confirm | StartAgain | Part

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)
_VERSION_BYTE = bytes([VERSION])


def encode(message: AnyMessage) -> bytes:
    return _VERSION_BYTE + _encoder.encode(message)


def decode(data: bytes) -> AnyMessage:
    """Raises `InvalidInput` for anything that is not a message of a version this node speaks."""
    if data[:1] != _VERSION_BYTE:
        raise InvalidInput(f"a message of version {data[:1].hex() or 'none'} is not understood here")
    try:
        return _decoder.decode(data[1:])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"a malformed message: {error}") from None


def split(message: AnyMessage) -> list[bytes]:
    """The payloads that carry a message: one, or as many pieces as it takes."""
    whole = encode(message)
    if len(whole) <= PART_BYTES:
        return [whole]
    starts = range(0, len(whole), PART_BYTES)
    return [encode(Part(message.view, whole[at : at + PART_BYTES], at + PART_BYTES >= len(whole))) for at in starts]


def view_name(ring: RingId, members: tuple[Member, ...]) -> bytes:
    """A short name for a view: the same on every member, different for every other ring or set of processes."""
    text = f"{ring.sequence}.{ring.representative}:" + ",".join(f"{m.node_id}.{m.pid}" for m in members)
    return hashlib.sha256(text.encode()).digest()[:8]
