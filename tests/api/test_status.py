"""The cluster and its nodes in the rows, types and spellings clients read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.access.user_cfg import Pool
from cluster.model import NodeState
from tests.api.conftest import Api, data
from tests.api.fake_node import ALONE, ALPHA, CLUSTER, FINGERPRINT, FakeNode
from tests.cast import ALICE


async def test_the_cluster_s_status_has_a_row_for_itself_and_one_per_node(api: Api) -> None:
    assert data(await api.get("/cluster/status")) == [
        {"type": "cluster", "id": "cluster", "name": "demo", "version": 3, "nodes": 2, "quorate": 1},
        {
            "type": "node", "id": "node/alpha", "name": "alpha", "nodeid": 1,
            "local": 1, "online": 1, "level": "", "ip": "10.0.0.1",
        },
        {
            "type": "node", "id": "node/beta", "name": "beta", "nodeid": 2,
            "local": 0, "online": 0, "level": "", "ip": "10.0.0.2",
        },
    ]  # fmt: skip


async def test_a_stand_alone_node_is_the_only_row_and_online(api: Api, node: FakeNode) -> None:
    node.cluster = replace(ALONE, nodes=(replace(ALPHA, online=None, address=""),))
    row = {"type": "node", "id": "node/alpha", "name": "alpha", "nodeid": 0, "local": 1, "online": 1, "level": ""}
    assert data(await api.get("/cluster/status")) == [row]


async def test_nodes_come_with_figures_as_far_as_they_are_known(api: Api, node: FakeNode) -> None:
    unseen = NodeState("gamma", 3, 1)
    node.cluster = replace(CLUSTER, nodes=(*CLUSTER.nodes, unseen))
    alpha, beta, gamma = data(await api.get("/nodes"))
    assert (alpha["status"], beta["status"], gamma["status"]) == ("online", "offline", "unknown")
    assert alpha["cpu"] == 0.25 and alpha["maxcpu"] == 4 and alpha["mem"] == 2 << 30 and alpha["uptime"] == 12345
    assert "cpu" not in beta and beta["maxmem"] == 8 << 30
    assert "maxcpu" not in gamma
    assert alpha["ssl_fingerprint"] == FINGERPRINT


async def test_resources_are_nodes_storages_and_pools(api: Api, node: FakeNode) -> None:
    node.pools = {"office": Pool("Rooms", ("100", "101"), ("local",))}
    node.stored = {"storage.cfg": "nfs: disks\n\tnodes alpha\n"}
    assert [row["id"] for row in data(await api.get("/cluster/resources"))] == [
        "node/alpha", "node/beta", "storage/alpha/local", "storage/alpha/disks", "storage/beta/local", "/pool/office",
    ]  # fmt: skip
    assert len(data(await api.get("/cluster/resources", type="node"))) == 2
    assert data(await api.get("/cluster/resources", type="vm")) == []
    assert (await api.get("/cluster/resources", type="pigs")).status_code == 400


@pytest.mark.parametrize("name", ["alpha", "localhost"])
async def test_a_node_tells_its_state(name: str, api: Api) -> None:
    state = data(await api.get(f"/nodes/{name}/status"))
    assert state["loadavg"] == ["0.50", "0.25", "0.10"]
    assert state["memory"] == {"total": 8 << 30, "used": 2 << 30, "free": 5 << 30, "available": 6 << 30}
    assert state["rootfs"] == {"total": 100 << 30, "used": 10 << 30, "avail": 85 << 30, "free": 90 << 30}
    assert (state["uptime"], state["idle"], state["kversion"]) == (12345, 0, "Linux 6.1")
    assert state["pveversion"] == "pve-manager/9.2.11/0123456789abcdef"


async def test_a_node_nobody_knows_is_404(api: Api) -> None:
    for path in ("/nodes/delta", "/nodes/delta/status", "/nodes/delta/tasks"):
        assert (await api.get(path)).status_code == 404


async def test_interfaces_are_told_without_what_is_empty(api: Api) -> None:
    rows = data(await api.get("/nodes/alpha/network"))
    assert rows[0] == {"iface": "eth0", "type": "eth", "active": 1, "address": "10.0.0.1", "cidr": "10.0.0.1/24"}
    assert rows[1]["active"] == 0
    assert [row["iface"] for row in data(await api.get("/nodes/alpha/network", type="bridge"))] == ["br0"]


@pytest.mark.parametrize(
    ("path", "field", "some"),
    [
        ("/", "subdir", {"access", "cluster", "nodes", "version"}),
        ("", "subdir", {"cluster"}),
        ("/access", "subdir", {"ticket", "domains"}),
        ("/cluster", "name", {"config", "status", "tasks", "resources"}),
        ("/cluster/config", "name", {"nodes", "totem", "join", "apiversion"}),
        ("/nodes/alpha", "name", {"tasks", "status", "network", "version"}),
    ],
)
async def test_a_path_that_leads_on_names_what_is_below(path: str, field: str, some: set[str], api: Api) -> None:
    assert some <= {row[field] for row in data(await api.get(path))}


async def test_whoever_is_signed_in_may_see_the_nodes_but_not_the_rest(node: FakeNode) -> None:
    alice = Api().sign_in(ALICE)
    assert len(data(await alice.get("/nodes"))) == 2
    assert (await alice.get("/cluster/status")).status_code == 403
    assert (await alice.get("/nodes/alpha/status")).status_code == 403


async def test_a_node_tells_of_its_copy_of_the_store(api: Api) -> None:
    assert data(await api.get("/nodes/alpha/store")) == {
        "trouble": "",
        "scrub": {"time": 1700000000.0, "took": 0.5, "rows": 34, "findings": []},
        "quarantine": [{"name": "store-7", "path": "/x/store-7", "time": 7, "reason": "Rows are missing.", "size": 9}],
    }
