"""The virtual files of the mount: valid, complete, and with the fields that their readers expect."""

from __future__ import annotations

import json

from cluster.core.operations import Mkdir, Write
from cluster.model import ClusterState, NodeState, Quorum, Sample
from cluster.node import virtual_files
from tests.core.trees import do, tree_with


def node(name: str, node_id: int, online: bool | None, address: str = "") -> NodeState:
    return NodeState(name, node_id, 1, address=address, online=online)


def test_members_of_a_node_alone_has_its_name_only() -> None:
    assert json.loads(virtual_files.members(ClusterState("alpha"), 3)) == {"nodename": "alpha", "version": 3}


def test_members_of_a_cluster_has_each_node_and_the_address_of_those_that_said_it() -> None:
    quorum = Quorum(quorate=True, expected_votes=2, total_votes=2, quorum=2)
    state = ClusterState("alpha", "facts", 3, (node("alpha", 1, True, "10.77.0.1"), node("beta", 3, None)), quorum)
    assert json.loads(virtual_files.members(state, 7)) == {
        "nodename": "alpha",
        "version": 7,
        "cluster": {"name": "facts", "version": 3, "nodes": 2, "quorate": 1},
        "nodelist": {"alpha": {"id": 1, "online": 1, "ip": "10.77.0.1"}, "beta": {"id": 3, "online": 0}},
    }


def test_version_has_every_observed_path_and_the_keys_of_each_node() -> None:
    told = json.loads(
        virtual_files.version(1_700_000_000, 4, 5, {"storage.cfg": 6}, {"alpha": {"tasklist": 2}, "beta": {"kv/x": 0}})
    )
    assert list(told)[:3] == ["starttime", "clinfo", "vmlist"]
    assert (told["starttime"], told["clinfo"], told["vmlist"]) == (1_700_000_000, 4, 5)
    assert list(told)[3:-1] == list(virtual_files.OBSERVED) and len(virtual_files.OBSERVED) == 43
    assert (told["storage.cfg"], told["user.cfg"]) == (6, 0)
    assert told["kvstore"] == {"alpha": {"tasklist": 2}, "beta": {"kv/x": 0}}


def test_the_list_of_guests_is_a_version_alone_while_there_are_none() -> None:
    tree = tree_with("nodes/alpha/qemu-server")
    assert json.loads(virtual_files.guests(tree, 2)) == {"version": 2}
    do(tree, Mkdir("nodes/alpha/lxc"), Write("nodes/alpha/lxc/101.conf", b""))
    do(tree, Write("nodes/alpha/qemu-server/100.conf", b""))
    assert json.loads(virtual_files.guests(tree, 3)) == {
        "version": 3,
        "ids": {
            "100": {"node": "alpha", "type": "qemu", "version": tree.version},
            "101": {"node": "alpha", "type": "lxc", "version": tree.version - 1},
        },
    }


def test_readings_are_one_line_each_of_the_last_five_minutes_only() -> None:
    samples = {"alpha": Sample(1000.0, {"cpu": 0.5, "uptime": 10}), "beta": Sample(600.0, {"cpu": 0.1})}
    lines = virtual_files.samples(samples, [("pve2-vm/100", "1:2:3")], 1001.0).decode().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["pve2-node/alpha", "pve2-vm/100"]
    assert lines[0].startswith("pve2-node/alpha:10::1000:U:U:0.5:U:")
    assert lines[1] == "pve2-vm/100:1:2:3"


def test_the_log_is_valid_whatever_was_said_and_never_more_than_fifty_entries() -> None:
    rows = [{"uid": number, "msg": 'a "quote", a \\ and a\ttab, grüße'} for number in range(60)]
    told = json.loads(virtual_files.cluster_log(rows))
    assert told["data"] == rows[:50]
