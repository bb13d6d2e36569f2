"""A corosync that leaves questions unanswered for a while, as it does while it synchronises on a busy machine.

Its libraries are played by stand-ins, because a real one cannot be made to stand still at will.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.corosync import bounded as module
from cluster.corosync.bounded import STUCK_MAX, bounded
from cluster.corosync.status import check
from cluster.engine import corosync
from cluster.engine.base import Measured
from cluster.engine.corosync import CorosyncEngine
from cluster.engine.corosync_connection import Connection
from cluster.errors import Unavailable


class PlayedHandle:
    """A handle of any of the libraries: its group can be joined, and nothing ever comes in."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.pipe()
        self.closed = threading.Event()

    def fd(self) -> int:
        return self.ours

    def join(self, _group: str) -> None:
        return

    def leave(self, _group: str) -> None:
        return

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def handles(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[PlayedHandle]]:
    """What the engine holds: quorum, votes, votequorum, statistics, and then each group it joined."""
    made: list[PlayedHandle] = []

    def handle() -> Any:
        made.append(PlayedHandle())
        return made[-1]

    monkeypatch.setattr(Connection, "open", lambda: Connection(1, handle(), handle(), handle(), handle()))
    monkeypatch.setattr(corosync, "Cpg", type("Cpg", (), {"__new__": lambda _: handle(), "close": PlayedHandle.close}))
    yield made
    for each in made:
        os.close(each.ours)
        os.close(each.theirs)


async def started() -> CorosyncEngine:
    engine = CorosyncEngine()
    await engine.start(lambda _: None)
    return engine


@pytest.fixture
def standstill(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Until it is set, corosync answers no question for its status."""
    answered = threading.Event()
    monkeypatch.setattr(corosync, "read_status", answered.wait)
    monkeypatch.setattr(corosync, "STATUS_TIMEOUT_S", 0.01)
    monkeypatch.setattr(corosync, "MEASURE_TIMEOUT_S", 0.01)
    yield answered
    answered.set()
    for thread in list(module._stuck):
        thread.join(5)
    module._stuck.clear()


async def test_asking_for_the_status_again_and_again_does_not_keep_a_group_from_being_joined(
    handles: list[PlayedHandle], standstill: threading.Event
) -> None:
    engine = await started()
    for _ in range(STUCK_MAX):
        assert not (await engine.status()).running
    await engine.join("status")
    await engine.stop()


@pytest.mark.parametrize("ends", ["stop", "leave"])
async def test_what_was_joined_is_closed_however_many_questions_are_unanswered(
    ends: str, handles: list[PlayedHandle], standstill: threading.Event
) -> None:
    """Left open it would stay joined: this process could not join again, and corosync would keep all that is sent."""
    engine = await started()
    await engine.join("status")
    for _ in range(STUCK_MAX):
        with pytest.raises(Unavailable):
            await bounded(standstill.wait, 0.01, "setting the expected votes")
    await (engine.stop() if ends == "stop" else engine.leave("status"))
    assert handles[4].closed.wait(5)
    await engine.stop()


class PlayedCounter:
    """Counts nothing; may leave its first question unanswered."""

    def __init__(self, answered: threading.Event | None) -> None:
        self._answered, self.closed = answered, threading.Event()

    def read(self, _wanted: object) -> Measured:
        if self._answered is not None:
            self._answered.wait()
        return Measured()

    def close(self) -> None:
        self.closed.set()


def counters_of(monkeypatch: pytest.MonkeyPatch, *first: threading.Event | None) -> list[PlayedCounter]:
    """Those the engine makes, in their order; the first ones answer when their event is set."""
    made: list[PlayedCounter] = []

    def make() -> PlayedCounter:
        made.append(PlayedCounter(first[len(made)] if len(made) < len(first) else None))
        return made[-1]

    monkeypatch.setattr(corosync, "LinkCounter", make)
    return made


async def test_links_are_counted_over_one_connection_which_ends_with_the_engine(
    handles: list[PlayedHandle], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counters_of(monkeypatch)
    engine = await started()
    for _ in range(3):
        await engine.measure([(2, 0)])
    assert len(made) == 1 and not made[0].closed.is_set()
    await engine.stop()
    assert made[0].closed.is_set()


async def test_a_connection_that_left_a_question_unanswered_is_not_used_again_and_closed_once_it_answers(
    handles: list[PlayedHandle], standstill: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counters_of(monkeypatch, standstill)
    engine = await started()
    for _ in range(2):
        assert await engine.measure([(2, 0)]) == Measured()
    assert len(made) == 2 and not made[0].closed.is_set()
    standstill.set()
    assert await asyncio.to_thread(made[0].closed.wait, 5)
    assert not made[1].closed.is_set()
    await engine.stop()


async def test_while_corosync_takes_no_questions_nothing_is_measured_and_the_connection_is_kept(
    handles: list[PlayedHandle], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counters_of(monkeypatch)
    engine = await started()
    with monkeypatch.context() as busy:
        busy.setattr(PlayedCounter, "read", lambda *_: check("qb_ipcc_sendv_recv", 6))
        assert await engine.measure([(2, 0)]) is None
    assert await engine.measure([(2, 0)]) == Measured()
    assert len(made) == 1 and not made[0].closed.is_set()
    await engine.stop()


async def test_a_connection_that_fails_is_closed_and_made_anew(
    handles: list[PlayedHandle], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = counters_of(monkeypatch)
    engine = await started()
    await engine.measure([(2, 0)])
    with monkeypatch.context() as broken:
        broken.setattr(PlayedCounter, "read", lambda *_: check("cmap_get", 2))
        await engine.measure([(2, 0)])
    await engine.measure([(2, 0)])
    assert [one.closed.is_set() for one in made] == [True, False]
    await engine.stop()
