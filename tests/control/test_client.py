"""Asking the daemon, with an event loop and without: what comes back, and what is said when nobody answers."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.control import client as client_module
from cluster.control import requests as r
from cluster.control.client import BlockingClient, Client
from cluster.errors import (
    Busy,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    StoreRefusal,
    Unavailable,
)
from tests.control.sockets import serving, until

Ask = Callable[..., Awaitable[Any]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture(params=["asyncio", "blocking"])
def ask(request: pytest.FixtureRequest, path: Path) -> Ask:
    """One call by either client."""
    if request.param == "asyncio":
        return Client(path).call
    blocking = BlockingClient(path)

    async def call(asked: r.Request, timeout_s: float = 10.0) -> Any:
        return await asyncio.to_thread(blocking.call, asked, timeout_s)

    return call


async def echo(request: r.StoreRead) -> dict[str, Any]:
    return {"path": request.path, "data": b"\x00\xff", "revision": (1, 2), "votes": {1: 1, 2: 3}, "none": None}


# --- both clients -----------------------------------------------------------------------------------------------------


async def test_a_call_brings_back_the_result(path: Path, ask: Ask) -> None:
    async with serving(path, {r.StoreRead: echo}):
        result = await ask(r.StoreRead(path="user.cfg"))
    assert result == {
        "path": "user.cfg", "data": b"\x00\xff", "revision": [1, 2], "votes": {1: 1, 2: 3}, "none": None,
    }  # fmt: skip


async def test_an_error_is_raised_as_the_class_it_was(path: Path, ask: Ask) -> None:
    async def refuses(_request: r.StoreRead) -> None:
        raise StoreRefusal(13, "read-only without quorum")

    async with serving(path, {r.StoreRead: refuses}):
        with pytest.raises(StoreRefusal, match="read-only") as caught:
            await ask(r.StoreRead(path="a"))
    assert caught.value.errno_name == "EACCES"


async def test_nobody_there_is_said_with_the_path_and_what_to_do(path: Path, ask: Ask) -> None:
    with pytest.raises(Unavailable, match=f"does not answer at {path}. Is it running"):
        await ask(r.Version())
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    with pytest.raises(Unavailable, match="Is it running"):
        await ask(r.Version())


async def test_a_daemon_too_slow_is_not_waited_for(path: Path, ask: Ask) -> None:
    async def never(_request: r.Request) -> None:
        await asyncio.Event().wait()

    async with serving(path, {r.Status: never, r.StoreWrite: never}):
        with pytest.raises(Unavailable, match=r"did not answer status at .* within 0\.1 s"):
            await ask(r.Status(), timeout_s=0.1)
        with pytest.raises(OutcomeUnknown) as caught:
            await ask(r.StoreWrite(path="a", data=b"", request_id="r-1"), timeout_s=0.1)
    assert caught.value.request_id == "r-1"


async def test_a_socket_that_accepts_and_says_nothing_is_not_waited_for(path: Path, ask: Ask) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        with pytest.raises(Unavailable, match="within"):
            await ask(r.Version(), timeout_s=0.1)


async def test_a_daemon_that_goes_away_in_the_middle_is_unavailable(path: Path, ask: Ask) -> None:
    begun = asyncio.Event()

    async def never(_request: r.Status) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with serving(path, {r.Status: never}) as server:
        asking = asyncio.ensure_future(ask(r.Status()))
        await asyncio.wait_for(begun.wait(), 5)
        for task in server._conversations:  # what kill -9 looks like from outside
            task.cancel()
        with pytest.raises(Unavailable, match="closed the connection"):
            await asking


async def test_a_request_too_large_for_a_frame_is_refused_on_this_side(path: Path, ask: Ask) -> None:
    async with serving(path, {}):
        with pytest.raises(InvalidInput, match="larger than"):
            await ask(r.StoreWrite(path="a", data=bytes(5 << 20)))


async def test_a_stream_is_no_answer_to_a_call(path: Path, ask: Ask) -> None:
    async def items(_request: r.Subscribe) -> AsyncIterator[int]:
        yield 1

    async with serving(path, {}, {r.Subscribe: items}):
        with pytest.raises((InvalidInput, Unavailable), match="with a stream"):
            await ask(r.Subscribe())


# --- the asyncio client -----------------------------------------------------------------------------------------------


async def test_calls_share_a_connection_and_answers_find_their_call(path: Path) -> None:
    async def slow_first(request: r.TaskList) -> int:
        await asyncio.sleep(0.001 * (50 - request.limit))
        return request.limit

    async with serving(path, {r.TaskList: slow_first}) as server:
        client = Client(path)
        answers = await asyncio.gather(*(client.call(r.TaskList(limit=number)) for number in range(50)))
        assert answers == list(range(50))
        assert len(server._conversations) == 1
        await client.close()
        await until(lambda: not server._conversations)


async def test_the_next_call_after_a_restart_finds_the_new_daemon(path: Path) -> None:
    client = Client(path)
    for life in (1, 2, 3):

        async def version(_request: r.Version, life: int = life) -> int:
            return life

        async with serving(path, {r.Version: version}):
            assert await client.call(r.Version()) == life
        with pytest.raises(Unavailable):
            await client.call(r.Version())


async def test_giving_up_a_call_ends_it_at_the_daemon(path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def never(_request: r.Status) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(path, {r.Status: never, r.StoreRead: echo}):
        client = Client(path)
        call = asyncio.create_task(client.call(r.Status()))
        await asyncio.wait_for(begun.wait(), 5)
        call.cancel()
        await asyncio.wait_for(ended.wait(), 5)
        assert await client.call(r.StoreRead(path="a"))


async def test_more_calls_than_the_daemon_takes_wait_their_turn(path: Path) -> None:
    async def brief(_request: r.Version) -> int:
        await asyncio.sleep(0.001)
        return 1

    async with serving(path, {r.Version: brief}):
        client = Client(path)
        assert await asyncio.gather(*(client.call(r.Version()) for _ in range(500))) == [1] * 500


async def test_a_refusal_at_the_door_reaches_the_call(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.control.server.CONNECTIONS_MAX", 1)
    async with serving(path, {r.StoreRead: echo}):
        first = Client(path)
        await first.call(r.StoreRead(path="a"))
        with pytest.raises(Busy, match="connections already"):
            await Client(path).call(r.StoreRead(path="a"))
        assert await first.call(r.StoreRead(path="a"))


async def test_a_stream_that_never_begins_is_not_waited_for(path: Path) -> None:
    async def idle(_request: r.Subscribe) -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 1

    async with serving(path, {}, {r.Subscribe: idle}):
        with pytest.raises(Unavailable, match=r"within 0\.1 s"):
            await anext(Client(path).stream(r.Subscribe(), first_timeout_s=0.1))


async def test_a_stream_whose_daemon_goes_away_says_so(path: Path) -> None:
    async def one(_request: r.Subscribe) -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    async with serving(path, {}, {r.Subscribe: one}) as server:
        stream = Client(path).stream(r.Subscribe())
        assert await anext(stream) == 1
        await server.stop()
        with pytest.raises(Unavailable, match="closed the connection"):
            await anext(stream)
    with pytest.raises(Unavailable, match="Is it running"):
        await anext(Client(path).stream(r.Subscribe()))


def test_no_more_calls_are_under_way_than_the_daemon_takes() -> None:
    from cluster.control.conversation import UNDER_WAY_MAX

    assert client_module.CALLS_MAX < UNDER_WAY_MAX


# --- the blocking client ----------------------------------------------------------------------------------------------


async def test_plain_data_is_a_request_too(path: Path) -> None:
    async with serving(path, {r.StoreRead: echo}):
        asked = {"method": "store.read", "path": "user.cfg"}
        assert (await asyncio.to_thread(BlockingClient(path).call, asked))["path"] == "user.cfg"
        with pytest.raises(InvalidInput) as caught:
            await asyncio.to_thread(BlockingClient(path).call, {"method": "store.read", "way": "user.cfg"})
        assert caught.value.fields.keys() == {"way"}


async def test_a_stream_is_read_without_a_loop(path: Path) -> None:
    async def three(_request: r.Subscribe) -> AsyncIterator[int]:
        for number in range(3):
            yield number
        raise NotFound("no more")

    got = []

    def read() -> None:
        for item in BlockingClient(path).stream(r.Subscribe()):
            got.append(item)

    async with serving(path, {}, {r.Subscribe: three}):
        with pytest.raises(NotFound):
            await asyncio.to_thread(read)
    assert got == [0, 1, 2]


async def test_no_connection_is_left_open(path: Path) -> None:
    async with serving(path, {r.StoreRead: echo}) as server:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            await asyncio.to_thread(BlockingClient(path).call, r.StoreRead(path="a"))
        await until(lambda: not server._conversations)
        assert len(os.listdir("/proc/self/fd")) <= before
