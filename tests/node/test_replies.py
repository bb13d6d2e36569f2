"""What is answered to the status group: a few replies at once, and a failure is nobody's end."""

import asyncio
from types import SimpleNamespace

import pytest

from cluster.errors import Busy, Unavailable
from cluster.node import board_messages
from cluster.node.background import Background
from cluster.node.replies import REPLYING_MAX, Replies


class Wire:
    """A daemon as far as replies see it."""

    def __init__(self):
        self.said, self.broken = [], None
        self.background = Background()
        self.life = SimpleNamespace(connection=SimpleNamespace(engine=self))

    def multicast(self, group, payload):
        if self.broken is not None:
            raise self.broken
        self.said.append((group, payload))

    async def quiet(self):
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def wire():
    return Wire()


async def test_a_reply_is_said_to_the_status_group_and_no_more_than_a_few_are_made_at_once(wire):
    replies, free, begun = Replies(wire, "A question"), asyncio.Event(), []

    async def slow():
        begun.append(1)
        await free.wait()
        return board_messages.StandingAsked()

    for _ in range(REPLYING_MAX + 3):
        replies.give(slow)
    await wire.quiet()
    assert len(begun) == REPLYING_MAX and wire.said == []
    free.set()
    await wire.quiet()
    assert wire.said == [(board_messages.GROUP, board_messages.encode(board_messages.StandingAsked()))] * REPLYING_MAX
    replies.give(slow)
    await wire.quiet()
    assert len(wire.said) == REPLYING_MAX + 1


@pytest.mark.parametrize("error", [Busy("too much is waiting"), OSError("no such file"), ValueError("a surprise")])
async def test_a_reply_that_fails_ends_nothing_and_makes_room_for_the_next(wire, error):
    replies = Replies(wire, "A question")

    async def failing():
        raise error

    for _ in range(REPLYING_MAX):
        replies.give(failing)
    await wire.quiet()

    async def fine():
        return board_messages.StandingAsked()

    replies.give(fine)
    await wire.quiet()
    assert len(wire.said) == 1 and not wire.background.ended.is_set()


def test_who_asks_while_the_engine_takes_nothing_is_told(wire):
    wire.broken = Busy("Too many messages are waiting.")
    with pytest.raises(Unavailable, match="cannot be asked: Too many"):
        Replies(wire, "A question").say(board_messages.StandingAsked())
