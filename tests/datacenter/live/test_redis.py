"""Daemon and site as two services with a real Redis between them: it comes, goes and comes back; pages heal."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from channels.layers import channel_layers, get_channel_layer

from cluster.control.requests import as_plain
from datacenter.live import feed as feed_module
from datacenter.live.feed import Feed
from datacenter.live.outlet import Everything
from tests import redis_server
from tests.datacenter.fake_daemon import FakeDaemon

pytestmark = [pytest.mark.redis, pytest.mark.slow]
DEADLINE_S = 20


class Redis:
    """A server of our own, on a socket in the test's folder."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> None:
        self._process = redis_server.start(self.socket.parent, self.socket)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = None
        self.socket.unlink(missing_ok=True)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():  # noqa: ASYNC110  (another process makes it true)
            await asyncio.sleep(0.01)


@pytest.fixture
async def redis(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Redis]:
    server = Redis(tmp_path)
    layer = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [server.url], "prefix": "quire"},
    }
    settings.CHANNEL_LAYERS = {"default": layer}
    for name, seconds in (("QUIET_S", 0.2), ("GRACE_S", 0.1), ("RETRY_S_FIRST", 0.05), ("RETRY_S_MAX", 0.3)):
        monkeypatch.setattr(feed_module, name, seconds)
    server.start()
    await until(server.socket.exists)
    yield server
    await get_channel_layer().flush()
    server.stop()
    channel_layers.backends.clear()


async def tell(daemon: FakeDaemon) -> bool:
    """Publish a change as the daemon's process would; False when Redis does not take it."""
    changes: list[Any] = []
    daemon.listener = changes.append
    daemon.sample(daemon.number)
    try:
        for change in changes:
            message = {"type": "live.change", "change": as_plain(change), "source": daemon.source}
            await get_channel_layer().group_send("live", message)
    except Exception:  # a layer raises what its transport raises
        return False
    return True


async def test_changes_come_through_redis_and_pages_outlive_its_restart(daemon: FakeDaemon, redis: Redis) -> None:
    daemon.form(3)
    feed = Feed()
    outlet = await feed.open()
    assert isinstance(await asyncio.wait_for(outlet.take(), DEADLINE_S), Everything)
    await until(lambda: feed.flow.live)
    assert await tell(daemon)
    await until(lambda: feed.picture is not None and feed.picture.number == daemon.number)
    assert feed.flow.live

    redis.stop()
    assert not await tell(daemon)
    await until(lambda: not feed.flow.live)
    await until(lambda: feed.picture is not None and feed.picture.number == daemon.number)

    redis.start()
    async with asyncio.timeout(DEADLINE_S):
        while not (feed.flow.live and await tell(daemon)):
            await tell(daemon)
            await asyncio.sleep(0.1)
    await until(lambda: feed.picture is not None and feed.picture.number == daemon.number)
    await feed.close(outlet)


async def test_pages_open_while_redis_is_down_are_paused_but_not_empty(daemon: FakeDaemon, redis: Redis) -> None:
    redis.stop()
    daemon.form(3)
    feed = Feed()
    outlet = await feed.open()
    await until(lambda: feed.picture is not None)
    assert not feed.flow.live and feed.picture is not None and len(feed.picture.cluster.nodes) == 3
    redis.start()
    await until(lambda: feed.flow.live)
    await feed.close(outlet)
