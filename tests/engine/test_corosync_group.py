"""How a group sends: in order, within its window, patient with a corosync that takes no more.

CPG is played by a stand-in with a pipe for a descriptor, because a real one cannot be made to refuse at will.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any, cast

import pytest

from cluster.corosync.cpg import Cpg, CpgEvent, Membership, Message, Ring
from cluster.engine.base import MESSAGE_SIZE_MAX, QUEUE_MESSAGES_MAX, EngineEvent
from cluster.engine.corosync_group import QUEUE_BYTES_MAX, WINDOW_BYTES, WINDOW_MESSAGES, Group
from cluster.errors import Busy, CorosyncError, InvalidInput
from cluster.model import Member, RingId

ME = Member(1, 10)


class PlayedCpg:
    """Takes `takes` messages, then says try again; what it took is delivered when the test says so."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.pipe()
        self.takes = 10**9
        self.dead = False
        self.sent: list[bytes] = []
        self.coming: list[CpgEvent] = []

    def fd(self) -> int:
        return self.ours

    def multicast(self, payload: bytes) -> bool:
        if self.dead:
            raise CorosyncError("cpg_mcast_joined", "CS_ERR_LIBRARY")
        if self.takes == 0:
            return False
        self.takes -= 1
        self.sent.append(payload)
        return True

    def dispatch(self, events_max: int) -> list[CpgEvent]:
        os.read(self.ours, 1000)
        events, self.coming = self.coming, []
        return events

    def deliver(self, *events: CpgEvent) -> None:
        self.coming += events
        os.write(self.theirs, b"!")


@pytest.fixture
def cpg() -> Iterator[PlayedCpg]:
    played = PlayedCpg()
    yield played
    os.close(played.ours)
    os.close(played.theirs)


class Stage:
    def __init__(self, cpg: PlayedCpg) -> None:
        self.heard: list[EngineEvent] = []
        self.lost: list[CorosyncError] = []
        self.group = Group("config", cast(Cpg, cpg), ME, self.heard.append, self.lost.append)


@pytest.fixture
async def stage(cpg: PlayedCpg) -> Any:
    made = Stage(cpg)
    yield made
    made.group.detach()


async def a_moment() -> None:
    for _ in range(5):
        await asyncio.sleep(0.002)


def numbered(count: int) -> list[bytes]:
    return [b"%05d" % number for number in range(count)]


async def test_no_more_than_a_window_is_under_way_and_each_return_lets_one_follow(cpg: PlayedCpg, stage: Stage) -> None:
    payloads = numbered(WINDOW_MESSAGES + 10)
    for payload in payloads:
        stage.group.multicast(payload)
    assert cpg.sent == payloads[:WINDOW_MESSAGES]
    cpg.deliver(Message(ME, payloads[0]), Message(Member(2, 20), b"not mine"), Message(ME, payloads[1]))
    await a_moment()
    assert cpg.sent == payloads[: WINDOW_MESSAGES + 2]


async def test_the_window_counts_bytes_too(cpg: PlayedCpg, stage: Stage) -> None:
    payload = bytes(MESSAGE_SIZE_MAX)
    fitting = WINDOW_BYTES // len(payload)
    for _ in range(fitting + 3):
        stage.group.multicast(payload)
    assert len(cpg.sent) == fitting
    cpg.deliver(Message(ME, payload))
    await a_moment()
    assert len(cpg.sent) == fitting + 1


async def test_a_refused_head_is_offered_again_and_never_overtaken(cpg: PlayedCpg, stage: Stage) -> None:
    payloads = numbered(20)
    cpg.takes = 5
    for payload in payloads:
        stage.group.multicast(payload)
    await a_moment()
    assert cpg.sent == payloads[:5]
    cpg.takes = 1
    await a_moment()
    assert cpg.sent == payloads[:6]
    cpg.takes = 100
    await a_moment()
    assert cpg.sent == payloads


class PlayedLoop:
    """Calls nothing by itself."""

    def __init__(self) -> None:
        self.delays_s: list[float] = []

    def call_later(self, delay_s: float, call: Any) -> asyncio.Handle:
        self.delays_s.append(delay_s)
        self.call = call
        return asyncio.Handle(call, (), asyncio.get_running_loop())


async def test_who_is_refused_again_and_again_waits_longer_and_no_longer_than_a_bound(
    cpg: PlayedCpg, stage: Stage
) -> None:
    """While many nodes on one machine agree on who is there all of them are refused."""
    loop = PlayedLoop()
    stage.group._loop = cast(Any, loop)
    cpg.takes = 0
    stage.group.multicast(b"x")
    for _ in range(6):
        loop.call()
    assert loop.delays_s == [0.001, 0.002, 0.004, 0.008, 0.016, 0.016, 0.016]
    cpg.takes = 1
    stage.group.multicast(b"y")
    loop.call()
    assert (cpg.sent, loop.delays_s[7:]) == ([b"x"], [0.001])
    stage.group._loop = asyncio.get_running_loop()


async def test_the_queue_is_bounded_in_messages_and_in_bytes(cpg: PlayedCpg, stage: Stage) -> None:
    cpg.takes = 0
    for payload in numbered(QUEUE_MESSAGES_MAX):
        stage.group.multicast(payload)
    with pytest.raises(Busy, match="config"):
        stage.group.multicast(b"one more")
    other = Stage(cpg)
    large = bytes(MESSAGE_SIZE_MAX)
    with pytest.raises(Busy):
        for _ in range(QUEUE_MESSAGES_MAX):
            other.group.multicast(large)
    assert len(other.group._queue) * len(large) <= QUEUE_BYTES_MAX
    with pytest.raises(InvalidInput, match=str(MESSAGE_SIZE_MAX)):
        stage.group.multicast(large + b"!")
    other.group.detach()


async def test_a_dead_handle_is_told_from_the_loop_and_not_to_the_caller(cpg: PlayedCpg, stage: Stage) -> None:
    cpg.dead = True
    stage.group.multicast(b"x")
    assert stage.lost == []
    await a_moment()
    assert [error.status for error in stage.lost] == ["CS_ERR_LIBRARY"]


async def test_after_detaching_nothing_is_heard_and_nothing_is_sent(cpg: PlayedCpg, stage: Stage) -> None:
    cpg.takes = 0
    stage.group.multicast(b"x")
    cpg.deliver(Membership((ME,), False), Ring(RingId(4, 1), (1,)), Message(ME, b"y"))
    stage.group.detach()
    cpg.takes = 1
    await a_moment()
    assert (stage.heard, cpg.sent, stage.lost) == ([], [], [])
