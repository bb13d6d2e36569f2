"""Frames: however the bytes arrive, whole frames come out, and no length is believed blindly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.control.framing import FRAME_SIZE_MAX, Deframer, frame
from cluster.errors import InvalidInput


@given(payloads=st.lists(st.binary(max_size=300), max_size=8), cuts=st.lists(st.integers(0, 2500), max_size=12))
def test_frames_come_out_whole_however_the_bytes_were_cut(payloads: list[bytes], cuts: list[int]) -> None:
    sent = b"".join(map(frame, payloads))
    places = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    deframer = Deframer()
    got = [each for start, end in zip(places, places[1:], strict=False) for each in deframer.feed(sent[start:end])]
    assert got == payloads
    assert not deframer.midway


def test_half_a_frame_is_kept_until_the_rest_arrives() -> None:
    deframer = Deframer()
    assert deframer.feed(frame(b"hello")[:6]) == []
    assert deframer.midway
    assert deframer.feed(frame(b"hello")[6:]) == [b"hello"]


def test_the_largest_frame_passes() -> None:
    payload = bytes(FRAME_SIZE_MAX)
    assert Deframer().feed(frame(payload)) == [payload]


def test_t52_a_gigabyte_is_refused_at_its_header() -> None:
    with pytest.raises(InvalidInput, match="1073741824 bytes"):
        Deframer().feed((1 << 30).to_bytes(4, "big"))


def test_a_payload_too_large_is_never_sent() -> None:
    with pytest.raises(InvalidInput):
        frame(bytes(FRAME_SIZE_MAX + 1))
