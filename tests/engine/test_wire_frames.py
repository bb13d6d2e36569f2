"""Frames of the wire: whole messages out of bytes that come in pieces, and everything bounded."""

import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.engine import wire_frames as frames
from cluster.engine.base import MESSAGE_SIZE_MAX
from cluster.errors import InvalidInput

SOME = [
    frames.Hello(b"k" * 32, 1, 99, 12, [1, 2, 3]),
    frames.Join("config"),
    frames.Send("config", bytes(range(256))),
    frames.Reload(3),
    frames.Split([[1], [2, 3]]),
    frames.Heal(),
]


@given(st.lists(st.integers(1, 200), max_size=20))
def test_messages_come_out_whole_however_the_bytes_arrive(cuts):
    data = b"".join(map(frames.encode, SOME))
    reader, read, at = frames.Reader(), [], 0
    for length in [*cuts, len(data)]:
        read += [frames.read_at_wire(body) for body in reader.feed(data[at : at + length])]
        at += length
    assert read == SOME


def test_the_largest_message_fits_a_frame():
    (body,) = frames.Reader().feed(frames.encode(frames.Message("g" * 64, 1, 1, bytes(MESSAGE_SIZE_MAX))))
    assert len(frames.read_at_engine(body).payload) == MESSAGE_SIZE_MAX


def test_a_frame_larger_than_any_message_is_refused_before_it_has_arrived():
    with pytest.raises(InvalidInput):
        frames.Reader().feed(struct.pack(">I", frames.FRAME_SIZE_MAX + 1))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode(["Nonsense"]),
        msgspec.msgpack.encode(["Join"]),
        msgspec.msgpack.encode(["Join", ""]),
        msgspec.msgpack.encode(["Join", "g" * 65]),
        msgspec.msgpack.encode(["Join", "config", "more"]),
        msgspec.msgpack.encode(["Hello", b"short", 1, 1, 0, []]),
        msgspec.msgpack.encode(["Hello", b"k" * 32, 0, 1, 0, []]),
        msgspec.msgpack.encode(["Send", "config", bytes(MESSAGE_SIZE_MAX + 1)]),
        msgspec.msgpack.encode(["Ring", 4, 1, [1]]),
    ],
)
def test_what_is_no_message_to_the_wire_is_refused(body):
    with pytest.raises(InvalidInput):
        frames.read_at_wire(body)


@given(st.binary(max_size=200))
def test_no_bytes_make_a_reader_fail_in_another_way(data):
    for read in (frames.read_at_wire, frames.read_at_engine):
        try:
            for body in frames.Reader().feed(data):
                read(body)
        except InvalidInput:
            pass
