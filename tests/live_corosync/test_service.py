"""corosync started, found, reloaded and stopped on a host without systemd."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from cluster.corosync.service import LOCK, STANDARD_CONF, CorosyncService, lock_holder
from cluster.errors import Unavailable
from lab import Lab, corosync
from lab.inside import run_inside
from lab.kernel import until

pytestmark = pytest.mark.corosync
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path


def on_alpha(hosts: Lab, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return run_inside(hosts, "alpha", lambda: asyncio.run(work()))


def test_it_starts_answers_is_found_by_another_and_stops(hosts: Lab, state: Path) -> None:
    corosync.configure(hosts)

    async def work() -> None:
        mine, other = CorosyncService(STANDARD_CONF, state), CorosyncService(STANDARD_CONF, state / "other")
        assert not await mine.is_running()
        await mine.start()
        pid = lock_holder(LOCK)
        assert await mine.is_running() and await other.is_running()
        await other.start()
        assert lock_holder(LOCK) == pid, "a corosync that runs is not started twice"
        await mine.reload()
        await other.stop()
        assert not await mine.is_running()
        await mine.stop()

    on_alpha(hosts, work)
    assert corosync.running(hosts, "alpha") == 0
    assert "Completed service synchronization" in (state / "corosync.log").read_text()


def test_a_configuration_that_corosync_refuses_is_told_in_its_words(hosts: Lab, state: Path) -> None:
    conf = state / "corosync.conf"
    conf.write_text("totem {\n  version: 3\n}\n")

    async def work() -> None:
        service = CorosyncService(conf, state)
        with pytest.raises(Unavailable, match=r"ended at once, with status \d+: .*No interfaces defined"):
            await service.start()
        assert not await service.is_running()

    on_alpha(hosts, work)


def test_a_missing_key_is_told(hosts: Lab, state: Path) -> None:
    corosync.configure(hosts)
    hosts.path("alpha", corosync.KEY).unlink()

    async def work() -> None:
        with pytest.raises(Unavailable, match="Could not open /etc/corosync/authkey"):
            await CorosyncService(STANDARD_CONF, state).start()

    on_alpha(hosts, work)
    corosync.configure(hosts)


def test_checking_a_file_needs_no_key_and_leaves_nothing(hosts: Lab, state: Path) -> None:
    good = corosync.conf_text(hosts).encode()

    async def work() -> None:
        service = CorosyncService(STANDARD_CONF, state)
        assert await service.check(good) == []
        assert await service.check(good.replace(b"version: 2", b"version: 3")) == [
            "parse error in config: This totem parser can only parse version 2 configurations."
        ]
        assert await service.check(b"nonsense\n") == [
            "parser error: corosync.conf:1: Line is not opening or closing section or key value"
        ]
        assert "Invalid cipher type" in (await service.check(good + b"totem {\n  crypto_cipher: rot13\n}\n"))[0]

    on_alpha(hosts, work)
    assert list(state.iterdir()) == []


def test_it_outlives_the_process_that_started_it(hosts: Lab, state: Path) -> None:
    program = (
        "import asyncio, pathlib; from cluster.corosync.service import *;"
        f"asyncio.run(CorosyncService(STANDARD_CONF, pathlib.Path({str(state)!r})).start()); print('up', flush=True);"
        "import time; time.sleep(60)"
    )
    argv = [*hosts.enter("alpha"), sys.executable, "-c", program]
    starter = subprocess.Popen(argv, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        assert starter.stdout is not None and starter.stdout.readline() == b"up\n"
        inner = Path(f"/proc/{starter.pid}/task/{starter.pid}/children").read_text().split()
        os.kill(int(inner[0]), signal.SIGKILL)
        starter.wait(10)
        assert corosync.running(hosts, "alpha")
    finally:
        starter.kill()
        starter.wait(10)
        if starter.stdout is not None:
            starter.stdout.close()

    async def adopt_and_stop() -> None:
        service = CorosyncService(STANDARD_CONF, state)
        assert await service.is_running()
        await service.start()
        await service.stop()

    on_alpha(hosts, adopt_and_stop)
    until(lambda: not corosync.running(hosts, "alpha"), 10, "corosync is still there")  # its host's init sees it end


def test_one_that_does_not_listen_is_killed(hosts: Lab, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.corosync.service.STOP_TIMEOUT_S", 0.5)

    async def work() -> None:
        service = CorosyncService(STANDARD_CONF, state)
        await service.start()
        pid = lock_holder(LOCK)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        began_s = time.monotonic()
        await service.stop()
        assert not await service.is_running()
        assert time.monotonic() - began_s < 10

    on_alpha(hosts, work)


def test_one_that_is_stopped_makes_the_status_answer_in_time(hosts: Lab, state: Path) -> None:
    from cluster.engine.corosync import CorosyncEngine

    async def work() -> None:
        service = CorosyncService(STANDARD_CONF, state)
        await service.start()
        pid = lock_holder(LOCK)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            began_s = time.monotonic()
            assert not (await CorosyncEngine().status()).running
            assert time.monotonic() - began_s < 3
        finally:
            os.kill(pid, signal.SIGCONT)
            await service.stop()

    on_alpha(hosts, work)
