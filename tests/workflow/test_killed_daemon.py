"""Real daemons on the loopback engine, killed with SIGKILL in the middle of create and join, and started again."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from cluster.access import sessions
from cluster.control.blocking import BlockingClient
from cluster.control.requests import (
    CreateCluster,
    JoinCluster,
    JoinInfo,
    Status,
    StoreList,
    StoreRead,
    StoreVerify,
    TaskList,
)
from cluster.engine import wire
from cluster.errors import QuireError
from cluster.node.access.passwords import prepare_hash
from tests.places import own_network

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
READY_S = 40.0
WORKFLOW_S = 60.0
NETWORK = own_network()


class Node:
    """One daemon as a process, on what it left on disk."""

    def __init__(self, name: str, number: int, folder: Path) -> None:
        self.name, self.address, self.state = name, f"{NETWORK}.{number}", folder / name
        self.wire, self.hash_file = folder / "wire.sock", folder / "hash"
        self.client = BlockingClient(self.state / "control.sock")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, dies_at: str = "", **environment: str) -> None:
        self.start_without_waiting(dies_at, **environment)
        wait_until(lambda: self.is_ready(), READY_S, f"{self.name} is ready")

    def start_without_waiting(self, dies_at: str = "", **environment: str) -> None:
        self.state.mkdir(exist_ok=True)
        program = ["-m", "tests.workflow.mortal_node", dies_at] if dies_at else ["manage.py", "runnode"]
        settings = {"name": self.name, "state": self.state, "address": self.address, "engine": "loopback",
                    "wire": self.wire, "password-hash-file": self.hash_file}  # fmt: skip
        arguments = [str(part) for key, value in settings.items() for part in (f"--{key}", value)]
        with (self.state / "node.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *program, *arguments, "--web"],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, "QUIRE_TEST_DIED": str(self.state / f"died-{dies_at}"),
                     **environment},
            )  # fmt: skip

    def is_ready(self) -> bool:
        assert self.process is not None and self.process.poll() is None, (self.state / "node.log").read_text()[-3000:]
        with contextlib.suppress(QuireError):
            cluster = self.client.call(Status())["cluster"]
            own = next(node for node in cluster["nodes"] if node["local"])
            return bool(own["fingerprint"] and cluster["store"]["writable"])
        return False

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(20)

    def files(self, folder: str = "") -> dict[str, bytes]:
        """The whole tree, by path; the configuration without its version, which only rises."""
        found: dict[str, bytes] = {}
        for entry in self.client.call(StoreList(folder)):
            path = f"{folder}/{entry['name']}".lstrip("/")
            if entry["type"] == "dir":
                found |= self.files(path)
            else:
                found[path] = unversioned(self.client.call(StoreRead(path))["data"])
        return found

    def everything(self) -> tuple[object, ...]:
        """What must be as before: the tree but for who signed in, its digest where the version did not rise,
        corosync's two files."""
        folder = self.state / "corosync"
        found = [folder / name for name in ("corosync.conf", "authkey") if (folder / name).exists()]
        local = {path.name: (unversioned(path.read_bytes()), path.stat().st_mode) for path in found}
        files = {path: data for path, data in self.files().items() if path != sessions.PATH}
        digest = "" if "corosync.conf" in files else self.client.call(StoreVerify())["digest"]
        return files, local, digest

    def nodes_online(self) -> set[str]:
        return {node["name"] for node in self.client.call(Status())["cluster"]["nodes"] if node["online"]}

    def last_task(self) -> dict[str, object]:
        return self.client.call(TaskList())[0]


def unversioned(data: bytes) -> bytes:
    return b"\n".join(line for line in data.split(b"\n") if b"config_version" not in line)


def wait_until(condition, timeout_s: float, what: str) -> None:
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.05)


@pytest.fixture
def node(tmp_path):
    """Fresh stand-alone nodes on one wire, ended whatever happens."""
    (tmp_path / "hash").write_text(prepare_hash(PASSWORD))
    made: list[Node] = []

    def make(name: str, number: int) -> Node:
        made.append(Node(name, number, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.stop()
    wire.end(tmp_path / "wire.sock")


def finished(node: Node) -> bool:
    return node.last_task()["end_time_s"] is not None


def create(node: Node) -> None:
    node.client.call(CreateCluster("demo"))
    wait_until(lambda: finished(node), WORKFLOW_S, "created")
    assert node.last_task()["status"] == "OK"


def begin_join(node: Node, peer: Node) -> None:
    shown = peer.client.call(JoinInfo())["nodelist"][0]
    node.client.call(JoinCluster(peer.address, shown["pve_fp"], PASSWORD))


def wait_for_death(node: Node) -> None:
    assert node.process is not None
    assert node.process.wait(WORKFLOW_S) == -signal.SIGKILL


CREATE_DEATHS = [
    "backup_store:after",
    "install_configuration:after",
    "found_cluster:before",
    "found_cluster:after",
    "start_engine:after",
]


def test_killed_while_creating_a_node_is_stand_alone_as_before_and_the_next_try_succeeds(node):
    alpha = node("alpha", 31)
    alpha.start(CREATE_DEATHS[0])
    before = alpha.everything()
    for death, following in pairwise([*CREATE_DEATHS, ""]):
        alpha.client.call(CreateCluster("demo"))
        wait_for_death(alpha)
        alpha.start(following)
        assert alpha.everything() == before, death
        assert "Everything was taken back" in str(alpha.last_task()["status"]), death
        assert not (alpha.state / "workflow.json").exists() and not (alpha.state / "aside").exists()
    create(alpha)


JOIN_DEATHS = [
    "check_configuration:before",
    "backup_store:after",
    "install_configuration:after",
    "adopt_cluster:after",
    "start_engine:after",
    "store_state:before",
]


def secrets_stay_where_they_belong(*nodes: Node) -> None:
    """The password nowhere, corosync's key in corosync's own file only: not in logs, stores, backups, arguments."""
    key = (nodes[0].state / "corosync" / "authkey").read_bytes()
    for path in (path for node in nodes for path in node.state.rglob("*") if path.is_file()):
        data = path.read_bytes()
        assert PASSWORD.encode() not in data, path
        assert key not in data or path.name == "authkey", path
    for node in nodes:
        assert node.process is not None
        for name in ("cmdline", "environ"):
            data = Path(f"/proc/{node.process.pid}/{name}").read_bytes()
            assert PASSWORD.encode() not in data and key not in data


def test_killed_while_joining_both_sides_are_as_before_and_the_next_try_succeeds(node):
    alpha, beta = node("alpha", 11), node("beta", 12)
    alpha.start()
    create(alpha)
    beta.start(JOIN_DEATHS[0])
    before = alpha.everything(), beta.everything()
    for death, following in pairwise([*JOIN_DEATHS, ""]):
        begin_join(beta, alpha)
        wait_for_death(beta)
        beta.start(following)
        wait_until(lambda: not (beta.state / "workflow.json").exists(), 20, f"{death}: taken back")
        assert (alpha.everything(), beta.everything()) == before, death
        assert "Everything was taken back" in str(beta.last_task()["status"]), death
    begin_join(beta, alpha)
    wait_until(lambda: finished(beta), WORKFLOW_S, "joined")
    assert beta.last_task()["status"] == "OK"
    wait_until(lambda: alpha.nodes_online() == beta.nodes_online() == {"alpha", "beta"}, 20, "both see both")
    wait_until(lambda: alpha.files() == beta.files(), 20, "one store")
    secrets_stay_where_they_belong(alpha, beta)


MEMBER_DEATHS = ["write_configuration:before", "write_configuration:after", "cluster_uuid:before"]


def test_a_member_killed_while_it_adds_a_node_adds_it_on_the_next_try(node):
    alpha, beta = node("alpha3", 41), node("beta3", 42)
    alpha.start()
    create(alpha)
    beta.start()
    before = beta.everything()
    for death in MEMBER_DEATHS:
        alpha.stop()
        alpha.start(death)
        begin_join(beta, alpha)
        wait_for_death(alpha)
        wait_until(lambda: finished(beta), WORKFLOW_S, f"{death}: the join has ended")
        assert beta.last_task()["status"] != "OK" and beta.everything() == before, death
        alpha.start()
    begin_join(beta, alpha)
    wait_until(lambda: finished(beta), WORKFLOW_S, "joined")
    assert beta.last_task()["status"] == "OK"
    wait_until(lambda: alpha.nodes_online() == beta.nodes_online() == {"alpha3", "beta3"}, 20, "both see both")
    wait_until(lambda: alpha.files() == beta.files(), 20, "one store")


def test_killed_when_the_join_was_complete_the_node_is_a_member(node):
    alpha, beta = node("alpha2", 21), node("beta2", 22)
    alpha.start()
    create(alpha)
    beta.start("refresh_certificate:before")
    begin_join(beta, alpha)
    wait_for_death(beta)
    beta.start()
    wait_until(lambda: alpha.nodes_online() == beta.nodes_online() == {"alpha2", "beta2"}, 30, "both see both")
    assert beta.last_task()["status"] == "OK"
    wait_until(lambda: "nodes/beta2/pve-ssl.pem" in alpha.files(), 30, "a certificate of the cluster's")
