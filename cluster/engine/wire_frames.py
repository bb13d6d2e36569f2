"""What a loopback engine and the wire say to each other: typed messages, and frames of a length and its bytes.

Pure: bytes in, messages out. Every size is bounded here; a peer that sends anything else is hung up on. Next:
`switchboard.py` for what the messages mean, `wire_server.py` and `loopback.py` for the two ends.
"""

from __future__ import annotations

import struct
from typing import Annotated

import msgspec

from cluster.engine.base import MESSAGE_SIZE_MAX
from cluster.errors import InvalidInput

FRAME_SIZE_MAX = MESSAGE_SIZE_MAX + 4096  # bytes; a message and its envelope
NODES_MAX = 1024
_LENGTH = struct.Struct(">I")

NodeId = Annotated[int, msgspec.Meta(ge=1, le=0xFFFFFFFF)]
NodeIds = Annotated[list[NodeId], msgspec.Meta(max_length=NODES_MAX)]
Sequence = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
Pid = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
GroupName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Payload = Annotated[bytes, msgspec.Meta(max_length=MESSAGE_SIZE_MAX)]
ClusterKey = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Frame(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """Base of all messages; the class name is the tag."""


# --- from an engine to the wire ---------------------------------------------------------------------------------------


class Hello(Frame, tag=True):
    """The first message. `key` keeps clusters apart, `nodes` are the node ids of the configuration this node has, and
    `sequence` is the highest ring sequence it has ever seen."""

    key: ClusterKey
    node_id: NodeId
    pid: Pid
    sequence: Sequence
    nodes: NodeIds


class Join(Frame, tag=True):
    group: GroupName


class Leave(Frame, tag=True):
    group: GroupName


class Send(Frame, tag=True):
    group: GroupName
    payload: Payload


class Reload(Frame, tag=True):
    """Every member shall read its configuration again, of this config_version or later."""

    version: int


class Configured(Frame, tag=True):
    """The configuration this node has now names these nodes."""

    nodes: NodeIds


class Rekeyed(Frame, tag=True):
    """The cluster's key is this one from now on: who comes with the former is in another cluster."""

    key: ClusterKey


# --- from whoever controls the network to the wire --------------------------------------------------------------------


class Split(Frame, tag=True):
    """Nodes of different sides no longer hear each other; a node on no side hears those on no side."""

    sides: Annotated[list[NodeIds], msgspec.Meta(max_length=NODES_MAX)]


class Heal(Frame, tag=True):
    pass


class Drop(Frame, tag=True):
    """Hang up on this node, as on one that is too slow."""

    node_id: NodeId


class End(Frame, tag=True):
    """The wire shall end now."""


# --- from the wire ----------------------------------------------------------------------------------------------------


class Ring(Frame, tag=True):
    """The ring that starts here, and its nodes."""

    sequence: Sequence
    representative: NodeId
    nodes: NodeIds


class View(Frame, tag=True):
    """The members (node id, pid) of a group in this ring, from here on."""

    group: GroupName
    sequence: Sequence
    representative: NodeId
    members: list[tuple[NodeId, Pid]]


class Message(Frame, tag=True):
    group: GroupName
    node_id: NodeId
    pid: Pid
    payload: Payload


class Reloaded(Frame, tag=True):
    version: int


class Refused(Frame, tag=True):
    """The wire hangs up after this; `reason` is a sentence."""

    reason: str


class Done(Frame, tag=True):
    """The wire did what was asked of it by who controls the network."""


FromEngine = Hello | Join | Leave | Send | Reload | Configured | Rekeyed
Control = Split | Heal | Drop | End
FromWire = Ring | View | Message | Reloaded | Refused | Done

_encoder = msgspec.msgpack.Encoder()
_to_wire: msgspec.msgpack.Decoder[FromEngine | Control] = msgspec.msgpack.Decoder(FromEngine | Control)
_from_wire: msgspec.msgpack.Decoder[FromWire] = msgspec.msgpack.Decoder(FromWire)


def encode(message: Frame) -> bytes:
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


def read_at_wire(body: bytes) -> FromEngine | Control:
    """Raises `InvalidInput`."""
    try:
        return _to_wire.decode(body)
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"An engine sent something the wire does not understand: {error}") from None


def read_at_engine(body: bytes) -> FromWire:
    """Raises `InvalidInput`."""
    try:
        return _from_wire.decode(body)
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"The wire sent something this engine does not understand: {error}") from None


class Reader:
    """Bytes as they arrive → the bodies of complete frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Raises `InvalidInput` when a frame is longer than any message can be."""
        self._buffer += data
        bodies = []
        start = 0
        while len(self._buffer) - start >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(self._buffer, start)
            if size > FRAME_SIZE_MAX:
                raise InvalidInput(f"A frame of {size} bytes is larger than the {FRAME_SIZE_MAX} allowed.")
            end = start + _LENGTH.size + size
            if len(self._buffer) < end:
                break
            bodies.append(bytes(self._buffer[start + _LENGTH.size : end]))
            start = end
        del self._buffer[:start]
        return bodies
