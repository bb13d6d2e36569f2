"""What replicas say is bytes, and bytes from outside are believed only as far as they are well formed."""

from __future__ import annotations

import random

import msgspec
import pytest

from cluster.core.messages import (
    PART_BYTES,
    VERSION,
    Ack,
    AnyMessage,
    Append,
    Barrier,
    Confirm,
    InForce,
    Part,
    Point,
    Proceed,
    Promise,
    StartAgain,
    State,
    decode,
    encode,
    split,
    view_name,
)
from cluster.core.operations import Command, ElectorateChange, EpochStart, Write, decode_body, encode_body
from cluster.errors import InvalidInput
from cluster.model import Member, RingId

MESSAGES = [
    State(b"view", "uuid", True, Point(3, 7, b"h"), 9, Point(2, 5, b"g"), (InForce(0, {1: 2, 3: 1}),), "contact"),
    Proceed(b"view"),
    Promise(b"view", 1 << 40),
    Append(b"view", 4 << 20, (b"", b"body")),
    Ack(b"view", 4 << 20, 17),
    Barrier(b"view", 4 << 20, 3),
    Confirm(b"view", 4 << 20, 2, 3, 17),
    StartAgain(b"view", 4 << 20, 2),
    Part(b"view", b"piece", False),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_what_is_encoded_is_decoded(message: AnyMessage) -> None:
    assert decode(encode(message)) == message


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_later_version_may_add_to_the_end(message: AnyMessage) -> None:
    fields = msgspec.msgpack.decode(encode(message)[1:])
    assert decode(bytes([VERSION]) + msgspec.msgpack.encode([*fields, "more", {"and": "more"}])) == message


def test_another_version_is_not_understood() -> None:
    with pytest.raises(InvalidInput, match="version 02"):
        decode(b"\x02" + encode(MESSAGES[1])[1:])


def test_every_cut_and_every_flipped_bit_is_a_message_or_malformed_and_nothing_worse() -> None:
    dice = random.Random(1)
    for message in MESSAGES:
        payload = encode(message)
        for _ in range(2000):
            broken = bytearray(payload[: dice.randrange(len(payload) + 1)])
            for _ in range(dice.randrange(3)):
                if broken:
                    broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
            try:
                decode(bytes(broken))
            except InvalidInput as error:
                assert error.message


def test_noise_is_malformed() -> None:
    dice = random.Random(2)
    for _ in range(3000):
        with pytest.raises(InvalidInput):
            decode(b"\x01" + dice.randbytes(dice.randrange(60)))


@pytest.mark.parametrize("number", [-1, 1 << 63, (1 << 62) + 1])
def test_numbers_that_cannot_be_counted_on_from_are_malformed(number: int) -> None:
    for fields in (["Promise", b"v", number], ["Ack", b"v", 1, number], ["Append", b"v", number, []]):
        with pytest.raises(InvalidInput):
            decode(b"\x01" + msgspec.msgpack.encode(fields))


# --- pieces -----------------------------------------------------------------------------------------------------------


def test_a_message_that_fits_travels_whole() -> None:
    assert split(MESSAGES[3]) == [encode(MESSAGES[3])]


@pytest.mark.parametrize("size", [PART_BYTES, PART_BYTES * 2 - 30, PART_BYTES * 3, 4 << 20])
def test_a_large_message_travels_in_pieces_that_make_it_again(size: int) -> None:
    message = Append(b"view", 1, (random.Random(size).randbytes(size),))
    parts = [decode(payload) for payload in split(message)]
    assert all(isinstance(part, Part) and len(part.data) <= PART_BYTES for part in parts)
    assert [part.last for part in parts if isinstance(part, Part)] == [False] * (len(parts) - 1) + [True]
    assert decode(b"".join(part.data for part in parts if isinstance(part, Part))) == message


# --- views ------------------------------------------------------------------------------------------------------------


def test_a_view_is_named_by_its_ring_and_its_processes() -> None:
    members = (Member(1, 100), Member(2, 200))
    names = {
        view_name(RingId(4, 1), members),
        view_name(RingId(8, 1), members),
        view_name(RingId(4, 2), members),
        view_name(RingId(4, 1), members[:1]),
        view_name(RingId(4, 1), (Member(1, 100), Member(2, 201))),
    }
    assert len(names) == 5 and view_name(RingId(4, 1), members) in names


# --- bodies -----------------------------------------------------------------------------------------------------------


def test_bodies_are_encoded_and_decoded() -> None:
    for body in (
        Command("r", 1, 2, "alice@pve", "cli", (Write("motd", b"\0\xff"),)),
        EpochStart(4 << 20),
        ElectorateChange({1: 1}, {1: 1, 2: 1}),
    ):
        assert decode_body(encode_body(body)) == body


@pytest.mark.parametrize(
    "fields",
    [
        ["Command", "r", 1, 1 << 60, "u", "d", []],
        ["Command", "r", -1, 0, "u", "d", []],
        ["Command", "r", 1, 0, "u", "d", [["Touch", "motd", 1 << 62]]],
        ["Command", "r", 1, 0, "u", "d", [["Chmod", "motd", 1]]],
        ["Command", "r", 1, 0, "u"],
        ["ElectorateChange", {1: -1}, {}],
        ["EpochStart", "four"],
    ],
    ids=str,
)
def test_bodies_no_disk_could_hold_are_malformed(fields: list[object]) -> None:
    with pytest.raises(ValueError):
        decode_body(msgspec.msgpack.encode(fields))
