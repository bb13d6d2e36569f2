"""What whoever reaches the Redis between daemon and pages can do there: publish and hear, and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis.asyncio
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis.exceptions import ResponseError

from datacenter.web import redis_rights
from demo.visitor import eventually
from tests import redis_server

pytestmark = pytest.mark.redis
STARTED_S = 60
REFUSED = "no permissions|command not allowed"

SCRIPTS = ("EVAL return(1) 0", "EVAL_RO return(1) 0", "EVALSHA 0 0", "SCRIPT LOAD return(1)", "SCRIPT FLUSH",
           "FUNCTION LIST", "FUNCTION LOAD x", "FCALL x 0", "FUNCTION FLUSH")  # fmt: skip
SERVER = ("CONFIG GET dir", "CONFIG SET dir /", "MODULE LIST", "MODULE LOAD /x.so", "DEBUG SLEEP 0", "DEBUG JMAP",
          "ACL LIST", "ACL SETUSER default +@all", "SAVE", "BGSAVE", "SHUTDOWN NOSAVE", "REPLICAOF 127.0.0.1 1",
          "SLAVEOF 127.0.0.1 1", "FLUSHALL", "MONITOR", "CLIENT LIST", "CLIENT KILL TYPE normal", "SLOWLOG GET",
          "INFO", "MIGRATE h 1 k 0 1")  # fmt: skip
KEYS = ("GET quire", "SET quire 1", "DEL quire", "KEYS *", "SCAN 0", "RESTORE k 0 x", "SORT quire", "XADD quire * a b")
CHANNELS = ("PUBLISH other text", "SUBSCRIBE other", "PSUBSCRIBE *")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[str]:
    with running(tmp_path, *redis_server.command(tmp_path, tmp_path / "redis.sock")) as url:
        yield url


@contextmanager
def running(folder: Path, *command: str) -> Iterator[str]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        eventually("Redis answers", lambda: pinged(folder / "redis.sock"), STARTED_S)
        yield f"unix://{folder / 'redis.sock'}"
    finally:
        process.kill()
        process.wait()


def pinged(socket: Path) -> bool:
    asked = subprocess.run(["redis-cli", "-s", str(socket), "ping"], capture_output=True, text=True, timeout=20)
    return asked.stdout.strip() == "PONG"


async def refused(place: str, *words: str) -> None:
    client = redis.asyncio.Redis.from_url(place)
    try:
        with pytest.raises(ResponseError, match=REFUSED):
            await client.execute_command(*words)
    finally:
        await client.aclose()


async def test_t53_redis_runs_no_script_for_anybody(place: str) -> None:
    for words in SCRIPTS:
        await refused(place, *words.split())


async def test_cve_2022_0543_no_script_is_there_to_leave_its_sandbox(place: str) -> None:
    """Debian's Lua left `package` in it, which loads libraries of the host."""
    script = 'return package.loadlib("/usr/lib/x86_64-linux-gnu/liblua5.1.so.0", "luaopen_io")'
    await refused(place, "EVAL", script, "0")


async def test_cve_2025_49844_no_script_is_there_to_be_freed_while_it_runs(place: str) -> None:
    """A script's own garbage was used after it was freed."""
    await refused(place, "EVAL", "for i = 1, 100 do loadstring('return 1')() collectgarbage() end", "0")
    await refused(place, "FUNCTION", "LOAD", "#!lua name=x\nredis.register_function('x', function() end)")


async def test_t53_redis_lets_nobody_change_it_or_look_at_others(place: str) -> None:
    for words in SERVER:
        await refused(place, *words.split())


async def test_t53_redis_keeps_nothing_and_carries_only_quires_channels(place: str) -> None:
    for words in (*KEYS, *CHANNELS):
        await refused(place, *words.split())


async def test_t53_what_daemon_and_pages_need_of_redis_is_allowed(place: str) -> None:
    sending, hearing = (RedisPubSubChannelLayer(hosts=[place], prefix="quire") for _ in range(2))
    channel = await hearing.new_channel()
    await hearing.group_add("live", channel)
    await sending.group_send("live", {"type": "live.change"})
    assert (await hearing.receive(channel))["type"] == "live.change"
    await hearing.group_discard("live", channel)
    for layer in (sending, hearing):
        await layer.flush()


async def test_t53_redis_is_on_no_network_and_its_socket_is_for_owner_and_group(place: str, tmp_path: Path) -> None:
    assert (tmp_path / "redis.sock").stat().st_mode & 0o007 == 0
    lines = redis_server.SETTINGS.read_text().splitlines()
    assert "port 0" in lines and 'save ""' in lines and not list(tmp_path.glob("*.rdb"))


async def test_t53_a_redis_that_runs_scripts_is_named_at_start(
    tmp_path: Path, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    await redis_rights.warn(place)
    await redis_rights.warn("")
    assert not caplog.records
    folder = tmp_path / "open"
    folder.mkdir()
    options = ("--port", "0", "--save", "", "--dir", str(folder), "--unixsocket", str(folder / "redis.sock"))
    with running(folder, "redis-server", *options) as url:
        await redis_rights.warn(url)
    assert [record.message for record in caplog.records] == [redis_rights.TOO_MUCH]
    assert await redis_rights.runs_scripts(url) is None, "nothing is claimed of one that is away"
