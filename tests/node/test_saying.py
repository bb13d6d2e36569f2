"""What a node says to all: what comes together is one message, heard as what it was."""

from __future__ import annotations

import asyncio

from cluster.errors import Unavailable
from cluster.node.board_messages import Announcement, Together, Trouble, encode, messages
from cluster.node.saying import PARTS_BYTES_MAX, Saying

HERE = Announcement("alpha", "10.0.0.1", 8006, "AA:BB", "0.1.0")


async def a_turn() -> None:
    await asyncio.sleep(0)


async def test_what_is_said_in_one_turn_is_one_message_in_its_order() -> None:
    sent: list[bytes] = []
    saying = Saying(sent.append)
    for message in (HERE, Trouble(""), Trouble("The disk is full.")):
        saying.say(encode(message))
    assert sent == []
    await a_turn()
    assert len(sent) == 1
    assert list(messages(sent[0])) == [HERE, Trouble(""), Trouble("The disk is full.")]


async def test_what_is_said_alone_is_not_wrapped() -> None:
    sent: list[bytes] = []
    saying = Saying(sent.append)
    saying.say(encode(HERE))
    await a_turn()
    saying.say(encode(Trouble("")))
    await a_turn()
    assert sent == [encode(HERE), encode(Trouble(""))]


async def test_more_than_a_message_holds_goes_in_several() -> None:
    sent: list[bytes] = []
    saying = Saying(sent.append)
    large = b"." * (PARTS_BYTES_MAX // 2)
    for payload in (large, large, b"last"):
        saying.say(payload)
    await a_turn()
    await a_turn()
    assert [sent[0], sent[1:]] == [encode(Together((large, large))), [b"last"]]


async def test_what_cannot_be_said_now_is_not_said_later() -> None:
    def refuse(_: bytes) -> None:
        raise Unavailable("The engine is not connected.")

    saying = Saying(refuse)
    saying.say(encode(HERE))
    await a_turn()
    sent: list[bytes] = []
    saying._multicast = sent.append
    saying.say(encode(Trouble("")))
    await a_turn()
    assert sent == [encode(Trouble(""))]


def test_a_message_of_messages_holds_no_further_one_and_nonsense_is_left_out() -> None:
    nested = encode(Together((encode(Together((encode(HERE),))), b"nonsense", encode(HERE))))
    assert list(messages(nested)) == [HERE]
