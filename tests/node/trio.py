"""Three real daemons on the loopback engine in one cluster, whose disks a test may damage, fill or break."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cluster.control.requests import CreateCluster, Status, StoreRead, StoreVerify, StoreWrite
from cluster.engine import wire
from cluster.errors import QuireError
from cluster.node.access.passwords import prepare_hash
from tests.workflow.test_killed_daemon import PASSWORD, Node, wait_until
from tests.workflow.test_leaving_daemons import finish, join

SOON_S = 60.0  # on two busy cores; a few seconds on idle ones


NAMES = ("alpha", "beta", "gamma")


def make_trio(folder: Path) -> Path:
    """A cluster of three whose daemons have ended: what each left on disk, for `trio` to start."""
    (folder / "hash").write_text(prepare_hash(PASSWORD))
    with running(folder) as nodes:
        for node in nodes:
            node.start()
        assert finish(nodes[0], nodes[0].client.call(CreateCluster("demo"))["upid"]) == "OK"
        assert [join(node, nodes[0]) for node in nodes[1:]] == ["OK", "OK"]
        wait_until(lambda: one_store(nodes), SOON_S, "the three agree")
    return folder


@contextlib.contextmanager
def trio(made: Path, folder: Path, **environments: dict[str, str]) -> Iterator[list[Node]]:
    """The cluster of `make_trio`, woken in a folder of its own; `environments` is what single daemons find in theirs.
    A node's folder may be there already, to be on a disk of the test's choice."""
    shutil.copy(made / "hash", folder / "hash")
    for name in NAMES:
        shutil.copytree(made / name, folder / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
    with running(folder) as nodes:
        for node in nodes:
            node.start_without_waiting(**environments.get(node.name, {}))
        wait_until(lambda: one_store(nodes), SOON_S, "the three agree")
        yield nodes


@contextlib.contextmanager
def running(folder: Path) -> Iterator[list[Node]]:
    """They run where and when the test says; in the end none does."""
    nodes = [Node(name, place, folder) for place, name in enumerate(NAMES, 101)]
    try:
        yield nodes
    finally:
        for node in nodes:
            node.stop()
        wire.end(folder / "wire.sock")


def store(node: Node) -> dict[str, Any]:
    """Its StoreState."""
    return dict(node.client.call(Status())["cluster"]["store"])


def write(node: Node, path: str, text: str, timeout_s: float = 10.0) -> None:
    node.client.call(StoreWrite(path, text.encode(), timeout_s=timeout_s), timeout_s + 5)


def read(node: Node, path: str) -> str:
    return bytes(node.client.call(StoreRead(path))["data"]).decode()


def await_read(node: Node, path: str, text: str) -> None:
    """What another node wrote arrives here, too."""
    wait_until(lambda: entry_of(node, path) == text, SOON_S, f"{path} on {node.name}")


def entry_of(node: Node, path: str) -> str | None:
    with contextlib.suppress(QuireError):
        return read(node, path)
    return None


def one_store(nodes: list[Node]) -> bool:
    """Do all stand at one revision with one tree, writable and well?"""
    with contextlib.suppress(QuireError):
        said = [node.client.call(StoreVerify()) for node in nodes]
        alike = {(tuple(one["revision"]), one["digest"]) for one in said}
        states = [store(node) for node in nodes]
        return len(alike) == 1 and all(one["ok"] for one in said) and all(one["writable"] for one in states)
    return False


def outcome(node: Node, path: str, text: str, timeout_s: float = 10.0) -> tuple[QuireError | None, float]:
    """What a write came to, and how long that took in seconds."""
    began_s = time.monotonic()
    try:
        write(node, path, text, timeout_s)
    except QuireError as error:
        return error, time.monotonic() - began_s
    return None, time.monotonic() - began_s
