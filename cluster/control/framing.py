"""Frames on the control socket: a length in four bytes, big-endian, then that many bytes of MessagePack. No I/O.

Bytes go in as they arrive, whole frames come out. A frame that announces more than the cap is refused at its header,
before a byte of it is kept. What a frame means is `protocol.py`; imports little, for the command line starts with it.
"""

from __future__ import annotations

import struct

from cluster.errors import InvalidInput

FRAME_SIZE_MAX = 4 << 20
HEADER = struct.Struct(">I")


def frame(payload: bytes) -> bytes:
    """A payload with its header. Raises `InvalidInput` when it is larger than a frame may be."""
    if len(payload) > FRAME_SIZE_MAX:
        raise InvalidInput(f"A message of {len(payload)} bytes is larger than the {FRAME_SIZE_MAX} bytes allowed.")
    return HEADER.pack(len(payload)) + payload


class Deframer:
    """Collects bytes and hands out the frames they complete. After `InvalidInput` the stream is beyond repair."""

    def __init__(self) -> None:
        self._received = bytearray()

    @property
    def midway(self) -> bool:
        """True while a frame has begun and is not complete."""
        return bool(self._received)

    def feed(self, received: bytes) -> list[bytes]:
        self._received += received
        frames: list[bytes] = []
        start = 0
        while len(self._received) - start >= HEADER.size:
            (size,) = HEADER.unpack_from(self._received, start)
            if size > FRAME_SIZE_MAX:
                raise InvalidInput(f"A message announced {size} bytes; at most {FRAME_SIZE_MAX} are allowed.")
            end = start + HEADER.size + size
            if len(self._received) < end:
                break
            frames.append(bytes(self._received[start + HEADER.size : end]))
            start = end
        del self._received[:start]
        return frames
