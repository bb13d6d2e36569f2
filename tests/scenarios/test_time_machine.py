"""The time machine in a cluster: every node tells the same changes, and corosync.conf is taken back upwards only."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from cluster.control import requests
from cluster.errors import InvalidInput, StoreRefusal
from demo.visitor import Visit, Visited, eventually
from tests.scenarios.conftest import NETWORK, demo_of
from tests.scenarios.evidence import ask

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
CONFIGURATION = "corosync.conf"


@pytest.fixture(scope="module")
def office() -> Iterator[Visit]:
    with demo_of("loopback", 2, f"{NETWORK}.91") as here:
        here.create("office")
        here.join("beta")
        yield here


def told(node: Visited, path: str) -> list[tuple[object, ...]]:
    changes = ask(node, requests.StoreHistory(path))["changes"]
    return [(tuple(one["revision"]), one["time_s"], one["user"], one["door"], one["node"]) for one in changes]


def test_all_nodes_tell_the_same_changes_and_show_the_same_contents(office: Visit) -> None:
    alpha, beta = office["alpha"], office["beta"]
    ask(alpha, requests.StoreWrite("a.cfg", b"one\n", door="cli"))
    second = ask(beta, requests.StoreWrite("a.cfg", b"two\n", door="page"))["revision"]
    eventually("beta's change is on alpha", lambda: len(told(alpha, "a.cfg")) == 2, 5)
    assert told(alpha, "a.cfg") == told(beta, "a.cfg")
    assert [(door, node) for *_, door, node in told(alpha, "a.cfg")] == [("page", "beta"), ("cli", "alpha")]
    for node in (alpha, beta):
        shown = ask(node, requests.StoreShow("a.cfg", f"{second[0]}.{second[1]}"))
        assert shown["data"] == b"two\n"


def test_the_first_edit_after_joining_keeps_what_it_replaced(office: Visit) -> None:
    """What a node had before its cluster, or was given as a whole when it joined, is in no log."""
    certificate = ask(office["beta"], requests.StoreRead("pve-root-ca.pem"))["data"]
    written = ask(office["beta"], requests.StoreWrite("pve-root-ca.pem", certificate + b"\n"))["revision"]
    for node in (office["alpha"], office["beta"]):
        here = partial(ask, node, requests.StoreHistory("pve-root-ca.pem"))
        eventually("the change is told", lambda here=here: here()["changes"], 5)
        before = ask(node, requests.StoreShow("pve-root-ca.pem", str(written[1] - 1)))
        assert before["data"] == certificate
    ask(office["alpha"], requests.StoreRestore("pve-root-ca.pem", str(written[1] - 1)))


def test_corosync_conf_is_edited_with_a_check_and_restored_with_a_higher_version(office: Visit) -> None:
    alpha, beta = office["alpha"], office["beta"]
    now = ask(alpha, requests.StoreRead(CONFIGURATION))
    with pytest.raises(InvalidInput, match="config_version"):
        ask(alpha, requests.StoreWrite(CONFIGURATION, now["data"], digest=now["digest"], check=True))
    raised = now["data"].replace(b"config_version: 2", b"config_version: 3").replace(b"debug: off", b"debug: on")
    with pytest.raises(StoreRefusal, match="changed by someone else"):
        ask(alpha, requests.StoreWrite(CONFIGURATION, raised, digest="0" * 40, check=True))
    written = ask(alpha, requests.StoreWrite(CONFIGURATION, raised, digest=now["digest"], check=True))["revision"]
    assert local(office, beta) == raised == local(office, alpha)
    restored = ask(beta, requests.StoreRestore(CONFIGURATION, str(written[1] - 1)))
    assert restored["paths"] == [CONFIGURATION]
    eventually("alpha has version 4", lambda: b"config_version: 4" in local(office, alpha), 5)
    assert b"debug: off" in local(office, alpha) and local(office, alpha) == local(office, beta)


def local(office: Visit, node: Visited) -> bytes:
    """The file corosync reads."""
    return (office.state / node.name / "corosync/corosync.conf").read_bytes()
