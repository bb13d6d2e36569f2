"""`pvecm status` and `pvecm nodes`, byte for byte as Proxmox VE and corosync-quorumtool 3.1.7 print them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cluster.control import requests as r
from cluster.errors import CorosyncError
from cluster.model import Quorum, RingId
from tests.cli.node import answering, node, pvecm

CONFIG = {
    "totem": {"cluster_name": "demo", "config_version": "3", "secauth": "on", "interface": {"0": {"linknumber": "0"}}},
    "nodes": [
        {"name": "gamma", "nodeid": "3", "quorum_votes": "1", "ring0_addr": "10.79.0.3", "node": "gamma"},
        {"name": "alpha", "nodeid": "1", "quorum_votes": "1", "ring0_addr": "10.79.0.1", "ring1_addr": "10.79.1.1"},
        {"name": "beta", "nodeid": "2", "quorum_votes": "1", "ring0_addr": "10.79.0.2", "node": "beta"},
    ],
    "digest": "0" * 40,
}
REPORT: dict[str, Any] = {
    "running": True,
    "node_id": 1,
    "ring": RingId(13, 1),
    "nodes": [2, 3, 1],
    "votes": {1: 1, 2: 1, 3: 1},
    "quorum": Quorum(True, 3, 3, 2, 3, ("Quorate",)),
    "links": [],
}
ALONE = {
    **REPORT,
    "node_id": 3,
    "ring": RingId(17, 3),
    "nodes": [3],
    "votes": {3: 1},
    "quorum": Quorum(False, 3, 1, 2, 3, ()),
}

CLUSTER = """\
Cluster information
-------------------
Name:             demo
Config Version:   3
Transport:        knet
Secure auth:      on

"""
# As the tool printed it with -siH on node 1 of three; the trailing blanks are its own.
SEEN_BY_ALPHA = """\
Quorum information
------------------
Date:             DATE
Quorum provider:  corosync_votequorum
Nodes:            3
Node ID:          0x00000001
Ring ID:          1.d
Quorate:          Yes

Votequorum information
----------------------
Expected votes:   3
Highest expected: 3
Total votes:      3
Quorum:           2  \nFlags:            Quorate \n
Membership information
----------------------
    Nodeid      Votes Name
0x00000001          1 10.79.0.1 (local)
0x00000002          1 10.79.0.2
0x00000003          1 10.79.0.3
"""
# And on node 3, cut off from the others.
SEEN_BY_GAMMA = """\
Quorum information
------------------
Date:             DATE
Quorum provider:  corosync_votequorum
Nodes:            1
Node ID:          0x00000003
Ring ID:          3.11
Quorate:          No

Votequorum information
----------------------
Expected votes:   3
Highest expected: 3
Total votes:      1
Quorum:           2 Activity blocked
Flags:            \n
Membership information
----------------------
    Nodeid      Votes Name
0x00000003          1 10.79.0.3 (local)
"""
NODES = """
Membership information
----------------------
    Nodeid      Votes Name
         1          1 alpha (local)
         2          1 beta
         3          1 gamma
"""
DATE = re.compile(r"(?m)^(Date:             )[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$")


def handlers(config: Any = CONFIG, report: Any = REPORT) -> dict[Any, Any]:
    return {r.ClusterConfig: answering(config), r.EngineReport: answering(report)}


async def test_status_of_a_quorate_node(tmp_path: Path) -> None:
    async with node(tmp_path, handlers()) as socket:
        ran = await pvecm("status", socket=socket)
    assert DATE.sub(r"\1DATE", ran.out) == CLUSTER + SEEN_BY_ALPHA
    assert (ran.code, ran.err) == (0, "")


async def test_a_node_whose_store_does_not_keep_up_is_named_beside_the_status(tmp_path: Path) -> None:
    async with node(tmp_path, handlers(report={**REPORT, "lagging": ["gamma"]})) as socket:
        ran = await pvecm("status", socket=socket)
    assert DATE.sub(r"\1DATE", ran.out) == CLUSTER + SEEN_BY_ALPHA and ran.code == 0
    assert ran.err == "gamma has not confirmed for more than 10 s what the others have written.\n"


async def test_reasons_and_advice_stand_beside_the_status(tmp_path: Path) -> None:
    reason = {"kind": "link", "sentence": "Down: link 1 between alpha and beta."}
    advice = {"sentence": "Every node has one link only.", "step": "Give each a second."}
    said = {"reasons": [{"kind": "quorum", "sentence": "Not quorate."}, reason], "advice": [advice]}
    async with node(tmp_path, handlers(report={**REPORT, **said})) as socket:
        ran = await pvecm("status", socket=socket)
    assert DATE.sub(r"\1DATE", ran.out) == CLUSTER + SEEN_BY_ALPHA and ran.code == 0
    assert ran.err.splitlines() == [
        "Down: link 1 between alpha and beta.",
        "Advice: Every node has one link only. Give each a second.",
    ]


async def test_status_of_a_node_without_quorum_exits_2(tmp_path: Path) -> None:
    async with node(tmp_path, handlers(report=ALONE)) as socket:
        ran = await pvecm("status", socket=socket)
    assert DATE.sub(r"\1DATE", ran.out) == CLUSTER + SEEN_BY_GAMMA
    assert (ran.code, ran.err) == (2, "")


async def test_nodes_lists_members_by_name(tmp_path: Path) -> None:
    async with node(tmp_path, handlers()) as socket:
        ran = await pvecm("nodes", socket=socket)
    assert (ran.code, ran.out, ran.err) == (0, NODES, "")


async def test_nodes_is_answered_without_quorum_too(tmp_path: Path) -> None:
    async with node(tmp_path, handlers(report=ALONE)) as socket:
        ran = await pvecm("nodes", socket=socket)
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "         3          1 gamma (local)"


async def test_ids_and_votes_come_out_right_whether_keys_are_numbers_or_text(tmp_path: Path) -> None:
    report = {**REPORT, "votes": {"1": 5, "2": 12, "3": 0}}
    async with node(tmp_path, handlers(report=report)) as socket:
        ran = await pvecm("nodes", socket=socket)
    assert [line.split() for line in ran.out.splitlines()[4:]] == [
        ["1", "5", "alpha", "(local)"], ["2", "12", "beta"], ["3", "0", "gamma"],
    ]  # fmt: skip


@pytest.mark.parametrize(("counted", "row"), [(1, "1            Qdevice"), (0, "0            Qdevice (votes 1)")])
async def test_a_qdevice_has_a_column_and_a_row_as_in_corosync_quorumtool(
    tmp_path: Path, counted: int, row: str
) -> None:
    devices = {"devices": {1: "A,V,NMW", 2: "NA,NV,NMW", 3: "NR"}, "device_votes": 1}
    report = {**REPORT, **devices, "votes": {1: 1, 2: 1, 3: 1, 0: counted}}
    async with node(tmp_path, handlers(report=report)) as socket:
        ran = await pvecm("status", socket=socket)
    assert ran.out.splitlines()[-5:] == [
        "    Nodeid      Votes    Qdevice Name",
        "0x00000001          1    A,V,NMW 10.79.0.1 (local)",
        "0x00000002          1  NA,NV,NMW 10.79.0.2",
        "0x00000003          1         NR 10.79.0.3",
        f"0x00000000          {row}",
    ]


async def test_every_flag_is_followed_by_a_blank(tmp_path: Path) -> None:
    report = {**REPORT, "quorum": Quorum(True, 2, 2, 1, 2, ("2Node", "Quorate", "WaitForAll"))}
    async with node(tmp_path, handlers(report=report)) as socket:
        ran = await pvecm("status", socket=socket)
    assert "\nFlags:            2Node Quorate WaitForAll \n" in ran.out
    assert "\nQuorum:           1  \n" in ran.out


async def test_keys_missing_from_the_configuration_read_as_in_proxmox_ve(tmp_path: Path) -> None:
    async with node(tmp_path, handlers({**CONFIG, "totem": {"transport": "udpu"}})) as socket:
        ran = await pvecm("status", socket=socket)
    assert ran.out.splitlines()[2:6] == [
        "Name:             UNKOWN?",
        "Config Version:   -1",
        "Transport:        udpu",
        "Secure auth:      off",
    ]


async def test_a_member_the_configuration_does_not_know_is_listed_without_a_name(tmp_path: Path) -> None:
    async with node(tmp_path, handlers({**CONFIG, "nodes": []})) as socket:
        ran = await pvecm("nodes", socket=socket)
    assert ran.out.splitlines()[4:] == [
        "         1          1  (local)",
        "         2          1 ",
        "         3          1 ",
    ]


@pytest.mark.parametrize("command", ["status", "nodes"])
async def test_a_stand_alone_node_has_no_status(tmp_path: Path, command: str) -> None:
    async with node(tmp_path, handlers({"totem": None, "nodes": [], "digest": ""})) as socket:
        ran = await pvecm(command, socket=socket)
    assert (ran.code, ran.out) == (1, "")
    assert "Is this node part of a cluster?" in ran.err


async def test_without_corosync_the_configuration_is_shown_and_the_rest_is_an_error(tmp_path: Path) -> None:
    report = {"running": False, "node_id": 0, "ring": None, "nodes": [], "votes": None, "quorum": None, "links": []}
    async with node(tmp_path, handlers(report=report)) as socket:
        ran = await pvecm("status", socket=socket)
        nodes = await pvecm("nodes", socket=socket)
    assert (ran.code, ran.out) == (1, CLUSTER)
    assert "Corosync does not answer" in ran.err
    assert (nodes.code, nodes.out, nodes.err) == (1, "", ran.err)


async def test_an_error_of_the_daemon_is_told_in_its_words(tmp_path: Path) -> None:
    async def fails(_request: r.EngineReport) -> None:
        raise CorosyncError("quorum_getquorate", "CS_ERR_LIBRARY")

    async with node(tmp_path, {**handlers(), r.EngineReport: fails}) as socket:
        ran = await pvecm("status", socket=socket)
    assert (ran.code, ran.err) == (1, "corosync refused quorum_getquorate: CS_ERR_LIBRARY\n")


@pytest.mark.parametrize("command", ["status", "nodes"])
async def test_no_daemon_is_an_error(tmp_path: Path, command: str) -> None:
    ran = await pvecm(command, socket=tmp_path / "nobody.sock")
    assert (ran.code, ran.out) == (1, "")
    assert f"does not answer at {tmp_path / 'nobody.sock'}" in ran.err
