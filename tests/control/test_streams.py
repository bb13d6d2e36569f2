"""Streams: items in order to a reader that keeps up, and a short farewell to one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.control import conversation
from cluster.control import requests as r
from cluster.control.client import Client
from cluster.errors import NotInCluster
from tests.control.sockets import raw_client, serving, until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


async def test_items_come_in_order_and_then_the_end(path: Path) -> None:
    async def counts(_request: r.Subscribe) -> AsyncIterator[int]:
        for number in range(20_000):
            yield number

    async with serving(path, {}, {r.Subscribe: counts}):
        assert [item async for item in Client(path).stream(r.Subscribe())] == list(range(20_000))


async def test_an_error_in_the_middle_ends_it_after_what_came_before(path: Path) -> None:
    async def fails(_request: r.Subscribe) -> AsyncIterator[int]:
        yield 1
        raise NotInCluster("no longer")

    async with serving(path, {}, {r.Subscribe: fails}), raw_client(path) as client:
        client.ask(7, "subscribe")
        assert await client.next() == {"id": 7, "item": 1}
        assert (await client.next())["error"]["code"] == "not-in-cluster"


async def test_a_fault_in_the_middle_is_a_number_to_the_subscriber(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def breaks(_request: r.Subscribe) -> AsyncIterator[int]:
        yield 1
        raise ZeroDivisionError("innermost")

    async with serving(path, {}, {r.Subscribe: breaks}), raw_client(path) as client:
        client.ask(7, "subscribe")
        assert (await client.next())["item"] == 1
        assert "innermost" not in str(await client.next())
    assert "ZeroDivisionError: innermost" in caplog.text


async def test_cancelling_closes_the_source(path: Path) -> None:
    closed = asyncio.Event()

    async def endless(_request: r.Subscribe) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with serving(path, {}, {r.Subscribe: endless}), raw_client(path) as client:
        client.ask(7, "subscribe")
        await client.next()
        client.send({"id": 7, "cancel": True})
        await asyncio.wait_for(closed.wait(), 5)


async def test_calls_are_answered_while_a_stream_is_idle(path: Path) -> None:
    async def idle(_request: r.Subscribe) -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 1

    async def version(_request: r.Version) -> str:
        return "here"

    async with serving(path, {r.Version: version}, {r.Subscribe: idle}), raw_client(path) as client:
        client.ask(1, "subscribe")
        client.ask(2, "version")
        assert await client.next() == {"id": 2, "result": "here"}


@pytest.mark.parametrize("size", [10, 300_000])
async def test_a_subscriber_that_does_not_read_is_dropped_and_the_source_closed(
    path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded in number for small items, in bytes for large ones: what the source gave is never much."""
    monkeypatch.setattr(conversation, "STREAM_STALL_S", 0.1)
    given, closed = 0, asyncio.Event()

    async def pours(_request: r.Subscribe) -> AsyncIterator[bytes]:
        nonlocal given
        try:
            while True:
                given += 1
                yield bytes(size)
        finally:
            closed.set()

    async with serving(path, {}, {r.Subscribe: pours}), raw_client(path) as client:
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.ask(1, "subscribe")
        await asyncio.wait_for(closed.wait(), 10)
        waiting = given * size
        assert waiting < conversation.STREAM_BYTES_MAX + (4 << 20)
        assert size > 10 or given < conversation.STREAM_ITEMS_MAX + 50_000  # the kernel's buffer holds many small ones
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        last = None
        while (told := await client.next()) and "item" in told:
            last = told
        assert last is not None
        assert told["error"]["code"] == "busy"


async def test_a_reader_slower_than_the_source_gets_everything_while_it_reads(path: Path) -> None:
    async def pours(_request: r.Subscribe) -> AsyncIterator[int]:
        for number in range(3 * conversation.STREAM_ITEMS_MAX):
            yield number

    async with serving(path, {}, {r.Subscribe: pours}):
        seen = []
        async for item in Client(path).stream(r.Subscribe()):
            seen.append(item)
            if item % 500 == 0:
                await asyncio.sleep(0.02)
        assert seen == list(range(3 * conversation.STREAM_ITEMS_MAX))


async def test_a_reader_that_stops_early_closes_the_source(path: Path) -> None:
    closed = asyncio.Event()

    async def endless(_request: r.Subscribe) -> AsyncIterator[int]:
        try:
            while True:
                yield 1
                await asyncio.sleep(0)
        finally:
            closed.set()

    async with serving(path, {}, {r.Subscribe: endless}) as server:
        stream = Client(path).stream(r.Subscribe())
        assert await anext(stream) == 1
        await stream.aclose()  # type: ignore[attr-defined]
        await asyncio.wait_for(closed.wait(), 5)
        await until(lambda: not server._conversations)
