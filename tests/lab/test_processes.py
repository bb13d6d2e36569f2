"""Processes are found by their tag however they detach themselves, ended for certain, and named by their port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from lab import processes

TAG = f"QUIRE_TRY={os.getpid()}"
ENVIRONMENT = os.environ | dict([TAG.split("=")])

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


@pytest.fixture(autouse=True)
def nothing_tagged_stays() -> Iterator[None]:
    yield
    processes.end_tagged(TAG, 0)


def test_a_detached_process_is_found_and_ended() -> None:
    subprocess.run(["setsid", "--fork", "sleep", "60"], env=ENVIRONMENT, check=True)
    deadline_s = time.monotonic() + 10  # it is forked at once, and becomes `sleep` a moment later
    while [processes.command(pid) for pid in processes.tagged(TAG)] != ["sleep 60"]:
        assert time.monotonic() < deadline_s, "the detached process was not found"
        time.sleep(0.01)
    found = processes.tagged(TAG)
    processes.end_tagged(TAG, 5)
    assert not any(map(processes.alive, found))


def test_a_process_that_ignores_the_request_is_ended_all_the_same() -> None:
    with subprocess.Popen([sys.executable, "-c", DEAF], env=ENVIRONMENT, stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None and deaf.stdout.readline() == b"deaf\n"
        processes.end_tagged(TAG, 0.1)
        assert deaf.wait(5) == -signal.SIGKILL


def test_a_process_that_ended_and_was_not_collected_is_not_alive() -> None:
    with subprocess.Popen(["true"]) as ended:
        assert processes.wait_gone([ended.pid], 5) == []


def test_waiting_says_who_is_still_there() -> None:
    with subprocess.Popen(["sleep", "60"], env=ENVIRONMENT) as stays:
        assert processes.wait_gone([stays.pid], 0.05) == [stays.pid]
        stays.kill()


def test_the_children_of_a_process_are_known() -> None:
    with subprocess.Popen(["sleep", "60"], env=ENVIRONMENT) as child:
        assert child.pid in processes.children(os.getpid())
        child.kill()


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_the_holder_of_a_port_is_named(address: str) -> None:
    with socket.create_server((address, 0)) as held:
        named = processes.holder_of_port("127.0.0.1", held.getsockname()[1])
    assert named.startswith(f"process {os.getpid()} (")


def test_a_port_nobody_listens_on_has_no_holder_we_know() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    assert processes.listening_sockets("127.0.0.1", port) == []
