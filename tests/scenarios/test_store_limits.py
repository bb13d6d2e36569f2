"""The store's limits on a cluster: every node gives the same answer, through its mount and through its socket.

What the tree itself refuses is tried in `tests/core/test_limits.py`; here it is asked from outside, on each node.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cluster.control import requests
from cluster.core.tree import ENTRIES_MAX, FILE_SIZE_MAX, TREE_SIZE_MAX
from cluster.errors import QuireError, StoreRefusal
from demo.visitor import PVECM, Visit, Visited, eventually
from tests.node.test_store_exchange import make
from tests.scenarios.conftest import NETWORK, demo_of
from tests.scenarios.evidence import ask
from tests.scenarios.healing import await_one_store
from tests.scenarios.office import Office, office_of

SETTLED_S = 20.0
BLOCK = 4096
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# Run on a node, against its mount: what each call fails with, as JSON. Everything it made is removed again.
PROBE = """
import errno, json, os, shutil, sys
home = os.path.join("/etc/pve", sys.argv[1]).encode()
os.mkdir(home)

def number(call):
    try:
        call()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def write(name, data, at=0):
    def call():
        fd = os.open(os.path.join(home, name), os.O_WRONLY | os.O_CREAT)
        try:
            os.lseek(fd, at, os.SEEK_SET)
            os.write(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
    return number(call)

def whole(name, size):
    def call():
        with open(os.path.join(home, name), "wb") as file:
            file.write(bytes(size))
    return number(call)

MIB = 1 << 20
told = {
    "1 MiB": whole(b"full", MIB),
    "1 MiB + 1": whole(b"more", MIB + 1),
    "nothing": whole(b"empty", 0),
    "a byte at 2^31": write(b"sparse", b"x", 1 << 31),
    "a byte at 1 MiB - 1": write(b"gap", b"x", MIB - 1),
    "truncated to 1 MiB + 1": number(lambda: os.truncate(os.path.join(home, b"empty"), MIB + 1)),
    "a name of 255 bytes": whole(b"n" * 255, 1),
    "a name of 256 bytes": whole(b"n" * 256, 1),
    "a folder of 256 bytes": number(lambda: os.mkdir(os.path.join(home, b"d" * 256))),
    "a name that is not UTF-8": whole(b"\\xff", 1),
    "a folder that is not UTF-8": number(lambda: os.mkdir(os.path.join(home, b"\\x80"))),
    "64 folders deep": number(lambda: os.makedirs(os.path.join(home, *[b"d"] * 64))),
}
told["left"] = sorted(os.fsdecode(name) for name in os.listdir(home))
shutil.rmtree(home)
print(json.dumps(told))
"""
EXPECTED = {
    "1 MiB": "done",
    "1 MiB + 1": "EFBIG",
    "nothing": "done",
    "a byte at 2^31": "EFBIG",
    "a byte at 1 MiB - 1": "done",
    "truncated to 1 MiB + 1": "EFBIG",
    "a name of 255 bytes": "done",
    "a name of 256 bytes": "ENAMETOOLONG",
    "a folder of 256 bytes": "ENAMETOOLONG",
    "a name that is not UTF-8": "EILSEQ",
    "a folder that is not UTF-8": "EILSEQ",
    "64 folders deep": "done",
}
STATFS = """
import json, os
told = os.statvfs("/etc/pve")
print(json.dumps([told.f_bsize, told.f_blocks, told.f_bfree, told.f_files, told.f_ffree, told.f_namemax]))
"""


def run(node: Visited, program: str, *words: str) -> Any:
    ran = node.command(sys.executable, "-c", program, *words, timeout_s=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def refusal(node: Visited, path: str, data: bytes) -> str:
    """What a write through the control socket is answered with."""
    try:
        ask(node, requests.StoreWrite(path, data))
    except StoreRefusal as refused:
        return errno.errorcode[refused.errno]
    except QuireError as error:
        return error.code
    return "done"


# --- on real corosync, with mounts ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with office_of() as here:
        yield here


@pytest.mark.corosync
def test_every_mount_gives_the_same_answers(office: Office) -> None:
    for node in office.nodes:
        told = run(node, PROBE, f"limits-{node.name}")
        left = told.pop("left")
        assert told == EXPECTED, f"on {node.name}"
        # A file that could not become as large as it was asked to be is there as it was when it was made: empty.
        assert set(left) <= {"full", "more", "empty", "sparse", "gap", "n" * 255, "d"}


@pytest.mark.corosync
def test_every_socket_gives_the_same_answers_as_the_mounts(office: Office) -> None:
    for node in office.nodes:
        at = f"socket-{node.name}"
        assert refusal(node, f"{at}-full", bytes(FILE_SIZE_MAX)) == "done"
        assert refusal(node, f"{at}-more", bytes(FILE_SIZE_MAX + 1)) == "EFBIG"
        assert refusal(node, f"{at}-" + "n" * (255 - len(at) - 1), b"x") == "done"
        assert refusal(node, "n" * 256, b"x") == "ENAMETOOLONG"
        assert refusal(node, "/".join([at, *["d"] * 63, "f"]), b"x") == "done"
        assert refusal(node, "a\0b", b"x") == "EINVAL"
        assert refusal(node, "..", b"x") in ("EINVAL", "invalid-input")


@pytest.mark.corosync
def test_the_tree_is_full_at_128_mib_on_every_node_and_statfs_says_so(office: Office) -> None:
    alpha, beta, gamma = office.nodes
    room = TREE_SIZE_MAX - size_of_tree(alpha)
    sizes = [FILE_SIZE_MAX] * (room // FILE_SIZE_MAX) + [room % FILE_SIZE_MAX]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: ask(alpha, requests.StoreWrite(f"fill/{one[0]}", bytes(one[1]))), enumerate(sizes)))
    await_one_store(office.nodes, SETTLED_S)
    for node in office.nodes:
        size, blocks, free, entries, entries_free, longest = run(node, STATFS)
        assert (size, blocks, free, longest) == (BLOCK, TREE_SIZE_MAX // BLOCK, 0, 255)
        assert (entries, entries_free) == (ENTRIES_MAX, ENTRIES_MAX - ask(node, requests.StoreVerify())["entries"] - 1)
        assert refusal(node, "one-byte-more", b"x") == "ENOSPC"
        assert refusal(node, "none-at-all", b"") == "done"
        ran = node.command("cp", "/etc/hostname", "/etc/pve/one-byte-more")
        assert "No space left" in ran.stderr, ran.stderr
    gamma.command("rm", "-r", "/etc/pve/fill", timeout_s=60)
    assert refusal(beta, "one-byte-more", b"x") == "done"
    await_one_store(office.nodes, SETTLED_S)
    used = -(-size_of_tree(alpha) // BLOCK)
    assert {run(node, STATFS)[2] for node in office.nodes} == {TREE_SIZE_MAX // BLOCK - used}


def size_of_tree(node: Visited, folder: str = "") -> int:
    total = 0
    for entry in ask(node, requests.StoreList(folder)):
        below = f"{folder}/{entry['name']}".lstrip("/")
        total += size_of_tree(node, below) if entry["type"] == "dir" else entry["size"]
    return total


# --- 256 k entries, which come in as a file and by joining ------------------------------------------------------------


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Visit]:
    """A cluster whose first node brought nearly as many entries as a tree may have."""
    with demo_of("loopback", 2, f"{NETWORK}.131") as visit:
        path = config_db(tmp_path / "config.db", ENTRIES_MAX - 100)
        ran = visit.first.command(
            PVECM, "--socket", visit.first.socket, "store", "import", str(path), "--force", timeout_s=120
        )
        assert ran.returncode == 0, ran.stderr
        eventually("alpha has made keys for its new store", visit.first.sign_in, 30)
        visit.create()
        visit.join("beta")
        yield visit


def config_db(path: Path, entries: int) -> Path:
    rows = ((number, 0, number, 1, 1700000000, 8, f"f{number}", None) for number in range(2, entries))
    return make(path, [(0, 0, entries, 1, 1700000000, 8, "__version__", None), *rows])


def test_every_node_refuses_the_entry_after_256_k(crowd: Visit, tell: Callable[[str], None]) -> None:
    nodes = list(crowd.nodes.values())
    left = ENTRIES_MAX - 1 - ask(nodes[0], requests.StoreVerify())["entries"]
    assert left > 0
    for number in range(left):
        assert refusal(nodes[number % 2], f"last{number}", b"") == "done"
    for node in nodes:
        assert refusal(node, "one-more", b"") == "ENOSPC"
        assert refusal(node, "last0", b"changed") == "done"
    await_one_store(nodes, 60)
    tell(f"{ENTRIES_MAX} entries on two nodes; daemon of alpha {resident_mib(nodes[0].pid):.0f} MiB")


def resident_mib(pid: int) -> float:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * BLOCK / (1 << 20)
