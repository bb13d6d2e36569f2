"""A daemon that dies leaves nobody hanging and no stale mount; one that may not mount says so and works without."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.control.blocking import BlockingClient
from cluster.control.requests import ClusterLog, Status, StoreList, StoreRead, StoreWrite
from cluster.errors import QuireError, StoreRefusal
from tests.store.mounted import ROOT, Mounted, bring_down, mounted, start

GONE = (errno.ENOTCONN, errno.ECONNABORTED, errno.ESTALE)
READY_S = 40.0
ADDRESS = f"127.72.{os.getpid() % 250 + 1}.1"


def until(true: Callable[[], bool], why: str, patience_s: float = 10.0) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, why
        time.sleep(0.01)


def is_mounted(path: Path) -> bool:
    return any(line.split()[1] == str(path) for line in Path("/proc/self/mounts").read_text().splitlines())


# --- the mount alone --------------------------------------------------------------------------------------------------


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mounted]:
    with mounted(tmp_path / "mount") as mount:
        yield mount


def test_who_waits_for_a_daemon_that_is_killed_is_told(mount: Mounted) -> None:
    (mount.path / "file").write_bytes(b"content")
    told: list[int] = []

    def write() -> None:
        try:
            (mount.path / "new").write_bytes(b"x")
        except OSError as error:
            told.append(error.errno or 0)

    mount.ask("hold", True)
    with contextlib.suppress(OSError), open(mount.path / "file", "rb") as reader:  # its own close is refused, too
        writer = threading.Thread(target=write)
        writer.start()
        until(lambda: mount.ask("requests").get("flush", 0) > 0, "nothing is flushed")
        mount.server.kill()
        writer.join(10)
        assert not writer.is_alive() and told and told[0] in GONE
        for call in (lambda: os.listdir(mount.path), lambda: reader.read()):
            with pytest.raises(OSError) as refused:
                call()
            assert refused.value.errno in GONE


def test_a_change_under_way_in_a_folder_holds_up_neither_other_notices_nor_the_end_of_a_killed_daemon(
    mount: Mounted,
) -> None:
    """Who makes something keeps the folder locked in the kernel until answered; a notice of a name in it waits for
    that lock, and a daemon that waits there cannot be killed."""
    (mount.path / "folder").mkdir()
    mount.put("folder/file", b"old")
    mount.put("other", b"old")
    assert (mount.path / "folder/file").read_bytes() == (mount.path / "other").read_bytes() == b"old"
    failed: list[int] = []

    def make() -> None:
        try:
            (mount.path / "folder/new").mkdir()
        except OSError as error:
            failed.append(error.errno or 0)

    mount.ask("hold", True)
    maker = threading.Thread(target=make)
    maker.start()
    until(lambda: mount.ask("waiting") > 0, "nothing is made")
    mount.ask("remove", "folder/file")
    mount.put("other", b"new")
    until(lambda: (mount.path / "other").read_bytes() == b"new", "a notice waits for another")
    mount.server.kill()
    assert mount.server.wait(5) == -signal.SIGKILL
    maker.join(10)
    assert not maker.is_alive() and failed and failed[0] in GONE


def test_the_next_daemon_mounts_in_the_place_of_a_killed_one(mount: Mounted) -> None:
    mount.server.kill()
    mount.server.wait(10)
    assert is_mounted(mount.path)
    second = start(mount.path)
    try:
        assert second.stdout is not None and json.loads(second.stdout.readline()) == "mounted"
        (mount.path / "file").write_bytes(b"x")
        assert (mount.path / "file").read_bytes() == b"x"
        second.communicate(timeout=15)
        assert not is_mounted(mount.path)
    finally:
        bring_down(second, mount.path, 0)


def test_a_daemon_that_does_not_answer_is_replaced_within_seconds(mount: Mounted) -> None:
    mount.server.send_signal(signal.SIGSTOP)
    second = start(mount.path)
    try:
        assert second.stdout is not None and json.loads(second.stdout.readline()) == "mounted"
        assert os.listdir(mount.path)
        mount.server.kill()
        second.communicate(timeout=15)
    finally:
        bring_down(second, mount.path, 0)


def test_a_mount_in_use_is_left_alone(mount: Mounted) -> None:
    (mount.path / "file").write_bytes(b"x")
    with pytest.raises(AssertionError, match="another file system in use is there already"):
        mount.run(sys.executable, "-m", "tests.store.mount_server", str(mount.path), cwd=ROOT)
    assert (mount.path / "file").read_bytes() == b"x"


def test_a_writer_that_is_killed_disturbs_nobody(mount: Mounted) -> None:
    mount.ask("hold", True)
    writer = subprocess.Popen([sys.executable, "-c", f"open({str(mount.path / 'new')!r}, 'w').write('x')"])
    until(lambda: mount.ask("requests").get("flush", 0) > 0, "nothing is flushed")
    writer.kill()
    mount.ask("hold", False)
    writer.wait(10)  # the kernel keeps a process until its last flush is answered, which a node does within a bound
    until(lambda: mount.content("new") == b"x", "what was proposed is not done")
    (mount.path / "other").write_bytes(b"y")


def test_lazily_unmounted_the_daemon_ends_in_order(mount: Mounted) -> None:
    subprocess.run(["umount", "-l", str(mount.path)], check=True, timeout=10)
    mount.server.communicate(timeout=15)
    assert mount.server.returncode == 0


# --- a whole node -----------------------------------------------------------------------------------------------------


class Node:
    """A stand-alone node as a process, with its store mounted."""

    def __init__(self, folder: Path, mount: Path) -> None:
        self.state, self.mount = folder / "state", mount
        self.client = BlockingClient(self.state / "control.sock")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.state.mkdir(exist_ok=True)
        settings = {"name": "alpha", "state": self.state, "address": ADDRESS, "engine": "loopback",
                    "wire": self.state / "wire.sock", "mount": self.mount}  # fmt: skip
        arguments = [str(part) for key, value in settings.items() for part in (f"--{key}", value)]
        with (self.state / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "runnode", *arguments],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        until(self.is_ready, "the node is not ready", READY_S)

    def is_ready(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log()[-3000:]
        with contextlib.suppress(QuireError):
            self.client.call(StoreRead("nodes/alpha/pve-ssl.pem"))
            return bool(self.client.call(Status())["cluster"]["store"]["writable"])
        return False

    def log(self) -> str:
        return (self.state / "node.log").read_text()

    def end(self, how: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        if how == signal.SIGTERM:
            subprocess.run(["umount", "-l", str(self.mount)], capture_output=True, timeout=10)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path, tmp_path / "pve")
    watchdog = threading.Timer(90, lambda: node.process is not None and node.process.kill())
    watchdog.start()
    try:
        yield node
    finally:
        watchdog.cancel()
        node.end(signal.SIGTERM)


@pytest.mark.slow
def test_a_node_killed_and_started_again_shows_its_store_again(node: Node) -> None:
    node.start()
    (node.mount / "storage.cfg").write_text("dir: local\n")
    node.end(signal.SIGKILL)
    assert is_mounted(node.mount)
    with pytest.raises(OSError):
        os.listdir(node.mount)
    node.start()
    assert (node.mount / "storage.cfg").read_text() == "dir: local\n"
    told = (node.mount / "storage.cfg").stat()
    assert (told.st_mode & 0o7777, told.st_uid) == (0o640, 0)
    assert (node.mount / "priv/pve-root-ca.key").stat().st_mode & 0o7777 == 0o600
    node.end(signal.SIGTERM)
    assert not is_mounted(node.mount)


@pytest.mark.slow
def test_the_mount_of_a_node_is_its_store(node: Node) -> None:
    node.start()
    assert os.readlink(node.mount / "local") == "nodes/alpha"
    assert (node.mount / "local/pve-ssl.pem").read_bytes() == node.client.call(StoreRead("nodes/alpha/pve-ssl.pem"))[
        "data"
    ]
    (node.mount / "nodes/alpha/qemu-server").mkdir(exist_ok=True)
    (node.mount / "qemu-server/100.conf").write_text("memory: 512\n")
    shown = {
        name: json.loads((node.mount / name).read_text()) for name in (".version", ".members", ".vmlist", ".clusterlog")
    }
    assert shown[".vmlist"]["ids"]["100"] | {"version": 0} == {"node": "alpha", "type": "qemu", "version": 0}
    assert shown[".members"]["nodename"] == "alpha"
    assert shown[".version"]["vmlist"] > 1 and shown[".version"]["starttime"] > 1_600_000_000
    assert "this node has started" in [row["msg"] for row in shown[".clusterlog"]["data"]]
    assert shown[".clusterlog"]["data"][:1] == node.client.call(ClusterLog(1))
    changed = json.loads((node.mount / ".version").read_text())["storage.cfg"]
    node.client.call(StoreWrite("storage.cfg", b"dir: local\n"))
    until(lambda: (node.mount / "storage.cfg").exists(), "a change through the API is missing")
    assert (node.mount / "storage.cfg").read_text() == "dir: local\n"
    assert json.loads((node.mount / ".version").read_text())["storage.cfg"] == changed + 1


@pytest.mark.slow
def test_a_lock_taken_by_mkdir_guards_writes_that_show_its_token(node: Node) -> None:
    node.start()
    (node.mount / "priv/lock").mkdir(exist_ok=True)
    (node.mount / "priv/lock/storage").mkdir()
    token = next(row["inode"] for row in node.client.call(StoreList("priv/lock")) if row["name"] == "storage")
    node.client.call(StoreWrite("storage.cfg", b"mine", lock="priv/lock/storage", token=token))
    os.rmdir(node.mount / "priv/lock/storage")
    os.mkdir(node.mount / "priv/lock/storage")
    with pytest.raises(StoreRefusal, match="the lock priv/lock/storage was lost"):
        node.client.call(StoreWrite("storage.cfg", b"too late", lock="priv/lock/storage", token=token))
    assert (node.mount / "storage.cfg").read_text() == "mine"


@pytest.mark.slow
def test_a_node_that_may_not_mount_says_so_and_works_without(tmp_path: Path) -> None:
    node = Node(tmp_path, Path("/proc/impossible/pve"))
    try:
        node.start()
        assert "cannot be mounted at /proc/impossible/pve" in node.log()
        assert "The node goes on without it." in node.log()
        node.client.call(StoreWrite("storage.cfg", b"x"))
        assert node.client.call(StoreRead("storage.cfg"))["data"] == b"x"
    finally:
        node.end(signal.SIGKILL)
