"""A disk that is full, read-only or broken under one daemon or most of them: told in time, and mended by itself.

Real daemons on the loopback engine, the store of some on a small disk of its own; about a minute and a half on two
cores.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.control.requests import CheckNode
from cluster.errors import NoQuorum, OutcomeUnknown, QuireError, StoreRefusal
from tests.node.trio import SOON_S, await_read, make_trio, one_store, outcome, read, store, trio, write
from tests.store.failing import Failing, compiled
from tests.store.test_writer import small_disk
from tests.workflow.test_killed_daemon import Node, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AT_ONCE_S = 2.0
BOUND_S = 12.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_trio(tmp_path_factory.mktemp("made"))


@contextlib.contextmanager
def small_disks(folder: Path, *names: str) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(small_disk(folder / name, "24m"))
        yield


def fill(node: Node) -> None:
    """To the last byte."""
    with (node.state / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(os.urandom(4096))


def exhaust(writer: Node, full: list[Node]) -> None:
    """Write through `writer` until the disks of `full` have refused something."""
    text, numbers = "x" * 100_000, itertools.count()

    def in_trouble() -> bool:
        number = next(numbers)
        with contextlib.suppress(QuireError):
            write(writer, f"large-{number % 4}", f"{number} {text}", 3.0)
        return all(store(node)["trouble"] for node in full)

    wait_until(in_trouble, SOON_S, f"{', '.join(node.name for node in full)} have refused something")


def test_a_full_disk_is_told_to_the_writer_and_the_others_go_on_until_there_is_room(made: Path, tmp_path: Path) -> None:
    with small_disks(tmp_path, "gamma"), trio(made, tmp_path) as nodes:
        alpha, beta, gamma = nodes
        found = {one["code"]: one for one in gamma.client.call(CheckNode())}
        assert found["disk"]["severity"] == "warning" and "MiB free. Make room" in found["disk"]["sentence"]
        fill(gamma)
        exhaust(alpha, [gamma])
        error, took_s = outcome(gamma, "motd", "does not fit")
        assert isinstance(error, StoreRefusal) and error.errno == errno.ENOSPC and took_s < AT_ONCE_S
        said = store(gamma)
        assert not said["writable"] and "is full. Make room there" in said["trouble"]
        found = {one["code"]: one for one in gamma.client.call(CheckNode())}
        assert found["disk"]["severity"] == "error" and "is full" in found["disk"]["sentence"]
        write(alpha, "datacenter.cfg", "keyboard: without gamma\n")
        await_read(beta, "datacenter.cfg", "keyboard: without gamma\n")
        assert read(gamma, "large-0")
        (gamma.state / "ballast").unlink()
        wait_until(lambda: one_store(nodes), SOON_S, "gamma is back by itself")
        assert store(gamma)["trouble"] == ""
        write(gamma, "motd", "fits")
        for node in nodes:
            await_read(node, "motd", "fits")


def test_with_most_disks_full_writes_fail_with_the_reason_and_go_on_when_there_is_room(
    made: Path, tmp_path: Path
) -> None:
    with small_disks(tmp_path, "beta", "gamma"), trio(made, tmp_path) as nodes:
        alpha, *others = nodes
        for node in others:
            fill(node)
        exhaust(alpha, others)
        wait_until(lambda: not store(alpha)["writable"], SOON_S, "alpha alone does not write")
        for node in nodes:
            error, took_s = outcome(node, "motd", "does not fit")
            assert isinstance(error, StoreRefusal | NoQuorum | OutcomeUnknown) and took_s < BOUND_S, node.name
            assert read(node, "corosync.conf")
        reason = store(alpha)["reason"]
        assert "beta says: The disk" in reason and "gamma says: The disk" in reason, reason
        for node in others:
            (node.state / "ballast").unlink()
        wait_until(lambda: one_store(nodes), 2 * SOON_S, "all are back by themselves")
        write(alpha, "motd", "fits")


@pytest.mark.parametrize("call", ["flush", "write"])
def test_a_call_that_failed_is_never_taken_for_done_and_the_store_is_opened_anew(
    made: Path, tmp_path: Path, call: str
) -> None:
    failing = Failing(compiled(tmp_path), tmp_path / "rule", call)
    with trio(made, tmp_path, gamma=failing.environment) as nodes:
        alpha, _, gamma = nodes
        for nth in (1, 3):
            failing.fail(nth)
            for number in range(6):
                write(alpha, "motd", f"{call} {nth} {number}")
            wait_until(lambda: store(gamma)["trouble"] != "", SOON_S, f"{call} {nth} is noticed")
            error, took_s = outcome(gamma, "motd", "not now")
            assert isinstance(error, StoreRefusal) and error.errno == errno.EIO and took_s < AT_ONCE_S
            write(alpha, "motd", f"after {call} {nth}")
            failing.mend()
            wait_until(lambda: one_store(nodes), 2 * SOON_S, f"gamma is back after {call} {nth}")
            assert read(gamma, "motd") == f"after {call} {nth}"
