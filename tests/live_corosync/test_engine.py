"""The engine's edges on one host: corosync absent, late, frozen; a listener that fails; votes that change alone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from cluster.corosync.votequorum import Votequorum
from cluster.engine.base import Delivered, EngineEvent, QuorumChanged
from cluster.engine.corosync import CorosyncEngine
from cluster.errors import Busy, Unavailable
from lab import Lab, corosync
from lab.inside import run_inside

pytestmark = pytest.mark.corosync


@pytest.fixture(scope="module")
def ring(hosts: Lab) -> Iterator[Lab]:
    corosync.configure(hosts)
    corosync.start(hosts)
    corosync.wait_quorate(hosts)
    yield hosts


def on_alpha(hosts: Lab, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return run_inside(hosts, "alpha", lambda: asyncio.run(work()))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - real processes are what is waited for
            await asyncio.sleep(0.01)


def test_without_corosync_a_start_ends_in_a_sentence_and_a_late_corosync_is_waited_for(hosts: Lab) -> None:
    corosync.configure(hosts)

    async def absent() -> None:
        with pytest.raises(Unavailable, match="^connecting to corosync"):
            await CorosyncEngine(connect_timeout_s=1).start(lambda event: None)

    async def late() -> None:
        engine, heard = CorosyncEngine(), list[EngineEvent]()
        starting = asyncio.ensure_future(engine.start(heard.append))
        await asyncio.sleep(0.2)
        assert not starting.done()
        await starting
        await until(lambda: bool(heard))
        await engine.stop()

    on_alpha(hosts, absent)
    program = ["sh", "-c", "sleep 0.5; exec corosync -f"]
    hosts.spawn("alpha", program, f"{hosts.folder('alpha')}/corosync.log")
    on_alpha(hosts, late)
    corosync.kill(hosts, "alpha")


def test_a_frozen_corosync_holds_up_nobody_and_loses_nothing(ring: Lab) -> None:
    pid = corosync.running(ring, "alpha")

    async def work() -> None:
        engine, heard = CorosyncEngine(), list[EngineEvent]()

        def delivered() -> list[bytes]:
            return [event.payload for event in heard if isinstance(event, Delivered)]

        await engine.start(heard.append)
        await engine.join("frozen")
        engine.multicast("frozen", b"first")
        await until(lambda: delivered() == [b"first"])
        sent = [b"first"]
        os.kill(pid, signal.SIGSTOP)
        try:
            # Were any of this to wait for corosync, it would wait for ever: only we wake it.
            with pytest.raises(Busy):
                for number in range(20_000):
                    payload = b"%06d" % number + b"." * 10_000
                    engine.multicast("frozen", payload)
                    sent.append(payload)
            assert not (await engine.status()).running
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: len(delivered()) == len(sent))
        assert delivered() == sent
        await engine.stop()

    on_alpha(ring, work)


def test_a_listener_that_fails_is_reported_and_hears_what_follows(ring: Lab) -> None:
    async def work() -> None:
        engine, heard, reported = CorosyncEngine(), list[bytes](), list[dict[str, Any]]()
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))

        def listen(event: EngineEvent) -> None:
            if isinstance(event, Delivered):
                heard.append(event.payload)
                if event.payload == b"bad":
                    raise ValueError("cannot bear it")

        await engine.start(listen)
        await engine.join("listener")
        for payload in (b"good", b"bad", b"after"):
            engine.multicast("listener", payload)
        await until(lambda: heard == [b"good", b"bad", b"after"])
        assert [str(context["exception"]) for context in reported] == ["cannot bear it"]
        await engine.stop()

    on_alpha(ring, work)


def test_votes_that_change_without_a_change_of_ring_are_told(ring: Lab) -> None:
    async def work() -> None:
        engine, heard = CorosyncEngine(), list[EngineEvent]()

        def last() -> QuorumChanged | None:
            return next((event for event in reversed(heard) if isinstance(event, QuorumChanged)), None)

        def told(expected_votes: int) -> Callable[[], bool]:
            def true() -> bool:
                quorum = last()
                return quorum is not None and quorum.quorum.expected_votes == expected_votes

            return true

        await engine.start(heard.append)
        await until(told(3))
        votequorum = Votequorum()
        votequorum.set_expected(5)
        await until(told(5))
        votequorum.set_expected(3)
        await until(told(3))
        votequorum.close()
        rings = {event.ring for event in heard if isinstance(event, QuorumChanged)}
        assert len(rings) == 1
        await engine.stop()

    on_alpha(ring, work)


def test_a_group_is_left_and_joined_again_by_the_same_process(ring: Lab) -> None:
    async def work() -> None:
        engine, heard = CorosyncEngine(), list[EngineEvent]()
        await engine.start(heard.append)
        for _ in range(3):
            await engine.join("again")
            await engine.leave("again")
        await engine.join("again")
        engine.multicast("again", b"here")
        await until(lambda: isinstance(heard[-1], Delivered))
        with pytest.raises(Unavailable, match="not a member"):
            engine.multicast("other", b"nowhere")
        await engine.leave("never joined")
        await engine.stop()
        with pytest.raises(Unavailable, match="not connected"):
            await engine.join("again")

    on_alpha(ring, work)
