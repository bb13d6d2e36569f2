"""Calls that wait without end, made to end in time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from cluster.corosync import bounded as module
from cluster.corosync.bounded import STUCK_MAX, STUCK_MAX_FOR_POLLS, bounded
from cluster.errors import CorosyncError, Unavailable


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()
    for thread in list(module._stuck):
        thread.join(5)
    module._stuck.clear()


async def test_the_result_and_the_error_of_a_call_come_back() -> None:
    def refused() -> None:
        raise CorosyncError("cpg_join", "CS_ERR_EXIST")

    assert await bounded(lambda: 7, 5, "counting") == 7
    with pytest.raises(CorosyncError, match="CS_ERR_EXIST"):
        await bounded(refused, 5, "joining")


async def test_a_call_that_does_not_end_is_left_behind_with_a_sentence(release: threading.Event) -> None:
    with pytest.raises(Unavailable, match=r"^joining: corosync did not answer within 0\.05 s$"):
        await bounded(release.wait, 0.05, "joining")
    assert await bounded(lambda: "still at work", 5, "asking") == "still at work"


async def test_a_few_calls_left_behind_are_enough(release: threading.Event) -> None:
    for _ in range(STUCK_MAX):
        with pytest.raises(Unavailable):
            await bounded(release.wait, 0.01, "joining")
    with pytest.raises(Unavailable, match="unanswered"):
        await bounded(lambda: 7, 5, "counting")
    release.set()
    for thread in list(module._stuck):
        await asyncio.to_thread(thread.join, 5)
    assert await bounded(lambda: 7, 5, "counting") == 7


async def test_what_is_asked_again_and_again_does_not_keep_out_what_is_asked_once(release: threading.Event) -> None:
    for _ in range(STUCK_MAX):
        with pytest.raises(Unavailable):
            await bounded(release.wait, 0.01, "asking for the status", stuck_max=STUCK_MAX_FOR_POLLS)
    assert len(module._stuck) == STUCK_MAX_FOR_POLLS
    assert await bounded(lambda: "joined", 5, "joining") == "joined"


async def test_closing_is_not_refused(release: threading.Event) -> None:
    for _ in range(STUCK_MAX):
        with pytest.raises(Unavailable):
            await bounded(release.wait, 0.01, "joining")
    assert await bounded(lambda: "closed", 5, "closing", stuck_max=None) == "closed"


async def test_what_a_late_call_returns_is_discarded(release: threading.Event) -> None:
    discarded, done = [], threading.Event()

    def connect() -> str:
        release.wait(10)
        return "connection"

    def discard(connection: str) -> None:
        discarded.append(connection)
        done.set()

    with pytest.raises(Unavailable):
        await bounded(connect, 0.02, "connecting", discard)
    release.set()
    assert await asyncio.to_thread(done.wait, 5)
    assert discarded == ["connection"]
