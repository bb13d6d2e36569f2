"""Carrying changes to the channel layer: in order, without holding up the daemon, and on through a Redis that dies."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from channels.layers import InMemoryChannelLayer

from cluster.model import Change
from datacenter.web import forward
from datacenter.web.forward import GROUP, WAITING_MAX, Forwarder
from tests import redis_server
from tests.places import own_port

REDIS_PORT = own_port()


def change(number: int) -> Change:
    return Change(number, "node", {"name": "alpha", "online": True}, 1.5)


async def received(layer: Any, channel: str) -> dict[str, Any]:
    return await asyncio.wait_for(layer.receive(channel), 10)


class Unreliable:
    """A channel layer that fails while `broken`, and remembers what it took."""

    def __init__(self) -> None:
        self.broken = True
        self.tries = 0
        self.taken: list[int] = []

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        self.tries += 1
        if self.broken:
            raise ConnectionError("no Redis here")
        self.taken.append(message["change"]["number"])


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_changes_reach_the_group_in_order_and_name_the_daemon_s_life() -> None:
    layer = InMemoryChannelLayer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    forwarder = Forwarder(layer, "life")
    forwarder.start()
    for number in (8, 9):
        forwarder.offer(change(number))
    plain = {"number": 8, "topic": "node", "value": {"name": "alpha", "online": True}, "at_s": 1.5}
    assert await received(layer, channel) == {"type": "live.change", "change": plain, "source": "life"}
    assert (await received(layer, channel))["change"]["number"] == 9
    await forwarder.stop()


async def test_a_layer_that_fails_is_tried_again_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(forward, "RETRY_SECONDS_FIRST", 0.001)
    layer = Unreliable()
    forwarder = Forwarder(layer)
    forwarder.start()
    for number in (1, 2, 3):
        forwarder.offer(change(number))
    await until(lambda: layer.tries > 3)
    layer.broken = False
    await until(lambda: layer.taken == [1, 2, 3])
    await forwarder.stop()
    assert caplog.text.count("live updates are paused") == 1 and caplog.text.count("go on") == 1


async def test_what_waits_is_bounded_and_the_newest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "RETRY_SECONDS_FIRST", 0.001)
    layer = Unreliable()
    forwarder = Forwarder(layer)
    forwarder.start()
    total = WAITING_MAX + 500
    for number in range(total):
        forwarder.offer(change(number))
        if number == 10:
            await until(lambda: layer.tries > 0)
    layer.broken = False
    await until(lambda: bool(layer.taken) and layer.taken[-1] == total - 1)
    assert len(layer.taken) <= WAITING_MAX + 1
    assert layer.taken == sorted(layer.taken)
    await forwarder.stop()


async def test_a_forwarder_ends_while_its_layer_is_down() -> None:
    forwarder = Forwarder(Unreliable())
    forwarder.start()
    forwarder.offer(change(1))
    await asyncio.wait_for(forwarder.stop(), 5)
    await forwarder.stop()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a Redis of our own, again and again if need be."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(redis_server.start(tmp_path, port=REDIS_PORT))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.redis
async def test_changes_go_on_after_redis_was_away(redis: Callable[[], subprocess.Popen[bytes]]) -> None:
    from channels_redis.pubsub import RedisPubSubChannelLayer

    address = f"redis://127.0.0.1:{REDIS_PORT}/0"
    sending, hearing = (RedisPubSubChannelLayer(hosts=[address], prefix="quire-test") for _ in range(2))
    process = redis()
    channel = await joined(hearing)
    forwarder = Forwarder(sending)
    forwarder.start()
    forwarder.offer(change(1))
    assert (await received(hearing, channel))["change"]["number"] == 1
    process.kill()
    process.wait()
    forwarder.offer(change(2))
    redis()
    numbers = offer_until_heard(forwarder)
    try:
        assert (await received(hearing, channel))["change"]["number"] >= 2
    finally:
        numbers.cancel()
        await forwarder.stop()
        await sending.flush()
        await hearing.flush()


async def joined(layer: Any) -> str:
    """Redis takes a moment to start."""
    from redis.exceptions import ConnectionError

    async with asyncio.timeout(10):
        while True:
            try:
                channel: str = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                return channel
            except ConnectionError:
                await asyncio.sleep(0.05)


def offer_until_heard(forwarder: Forwarder) -> asyncio.Task[None]:
    async def offer() -> None:
        for number in range(3, 300):
            forwarder.offer(change(number))
            await asyncio.sleep(0.1)

    return asyncio.create_task(offer())
