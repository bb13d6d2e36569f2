"""The main job through the public interfaces, on both engines: create, join, kill, come back; every view agrees."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from cluster.control import requests
from demo.visitor import PVECM, Refused, Visit, eventually
from tests.scenarios.conftest import demo_of
from tests.scenarios.evidence import ask

NAMES = ["alpha", "beta", "gamma"]
QUORUM_FACTS = (
    "Nodes",
    "Node ID",
    "Ring ID",
    "Quorate",
    "Expected votes",
    "Highest expected",
    "Total votes",
    "Quorum",
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def office(engine: str) -> Iterator[Visit]:
    """Three nodes that were stand-alone and became one cluster. The tests below leave it whole."""
    with demo_of(engine, 3) as visit:
        with pytest.raises(Refused) as alone:
            visit.first.get("/cluster/config/join")
        assert alone.value.status == 424
        visit.form()
        visit.await_online(3, list(visit.nodes.values()), 60)
        yield visit


def test_every_node_lists_all_three_and_is_quorate(office: Visit) -> None:
    for node in office.nodes.values():
        rows = node.get("/cluster/status")
        assert (rows[0]["type"], rows[0]["quorate"], rows[0]["nodes"]) == ("cluster", 1, 3)
        assert sorted(row["name"] for row in rows[1:]) == NAMES
        assert [row["name"] for row in rows[1:] if row["local"]] == [node.name]


def test_every_node_has_the_same_configuration(office: Visit) -> None:
    files = [ask(node, requests.StoreRead("corosync.conf")) for node in office.nodes.values()]
    assert len({file["data"] for file in files}) == 1
    assert {tuple(file["revision"]) for file in files} == {tuple(files[0]["revision"])}
    assert [name for name in NAMES if f"name: {name}".encode() in files[0]["data"]] == NAMES


def test_a_second_create_is_refused_in_words(office: Visit) -> None:
    with pytest.raises(Refused) as refused:
        office.first.post("/cluster/config", clustername="again")
    assert "cluster" in refused.value.message.lower()


def test_pvecm_agrees_with_the_api_on_every_node(office: Visit) -> None:
    for node in office.nodes.values():
        status = node.pvecm("status")
        assert status.returncode == 0, status.stderr
        assert re.search(r"^Quorate: +Yes$", status.stdout, re.MULTILINE)
        assert re.search(r"^Total votes: +3$", status.stdout, re.MULTILINE)
        assert re.search(r"^Config Version: +3$", status.stdout, re.MULTILINE)
        nodes = node.pvecm("nodes")
        assert nodes.returncode == 0, nodes.stderr
        assert sorted(re.findall(r"^ +\d+ +\d+ +(\w+)(?: \(local\))?$", nodes.stdout, re.MULTILINE)) == NAMES


def test_corosyncs_own_tools_agree_with_pvecm(office: Visit, engine: str) -> None:
    """Without corosync there is nothing to ask but pvecm, on every node."""
    tool = ["corosync-quorumtool", "-siH"] if engine == "corosync" else [PVECM, "--socket", "", "status"]
    for node in office.nodes.values():
        theirs = node.command(*(word or node.socket for word in tool)).stdout
        ours = node.pvecm("status").stdout
        for fact in QUORUM_FACTS:
            line = re.compile(rf"^{fact}: +(\S+)", re.MULTILINE)
            assert line.findall(ours)[:1] == line.findall(theirs)[:1] != [], fact
        if engine == "corosync":
            assert node.command("corosync-cfgtool", "-n").stdout.count("reachable") == 2


def test_what_one_node_writes_survives_the_death_of_all_three_daemons(office: Visit) -> None:
    ask(office["alpha"], requests.StoreWrite("notes.cfg", b"kept\n"))
    version = ask(office["alpha"], requests.StoreRead("notes.cfg"))["version"]

    def read_everywhere() -> set[tuple[bytes, int]]:
        files = [ask(node, requests.StoreRead("notes.cfg")) for node in office.nodes.values()]
        return {(file["data"], file["version"]) for file in files}

    eventually("the same bytes and version everywhere", lambda: read_everywhere() == {(b"kept\n", version)}, 10)
    for node in office.nodes.values():
        node.kill()
    for node in office.nodes.values():
        node.start_again()
    office.await_online(3, list(office.nodes.values()), 60)
    assert read_everywhere() == {(b"kept\n", version)}
    ask(office["beta"], requests.StoreWrite("notes.cfg", b"and still writable\n"))
    assert ask(office["beta"], requests.StoreRead("notes.cfg"))["version"] > version


def test_a_killed_node_is_offline_on_the_others_and_online_when_it_is_back(office: Visit) -> None:
    others = [office["alpha"], office["beta"]]
    office["gamma"].kill()
    office.await_online(2, others, 10)
    assert office["alpha"].get("/cluster/status")[0]["quorate"] == 1
    office["gamma"].start_again()
    office.await_online(3, list(office.nodes.values()), 30)
