"""Storages and pools as the cluster's files define them."""

from __future__ import annotations

import pytest

from cluster.access.user_cfg import Pool
from tests.api.conftest import Api, data
from tests.api.fake_node import FakeNode
from tests.cast import ALICE

STORAGES = """dir: local
\tpath /var/lib/vz
\tcontent iso,backup

# a comment
nfs: disks
\texport /disks
\tserver 10.0.0.9
\tnodes beta
\tdisable
"""
POOLS = {"office": Pool("The office", ("100", "101"), ("disks",)), "empty": Pool()}


@pytest.fixture(autouse=True)
def defined(node: FakeNode) -> None:
    node.stored, node.pools = {"storage.cfg": STORAGES}, POOLS


async def test_storages_are_listed_as_they_are_defined(api: Api) -> None:
    local, disks = data(await api.get("/storage"))
    assert local == {"storage": "local", "type": "dir", "path": "/var/lib/vz", "content": "iso,backup"}
    assert (disks["server"], disks["disable"]) == ("10.0.0.9", "1")
    assert data(await api.get("/storage", type="nfs")) == [disks]
    assert data(await api.get("/storage/disks")) == disks
    assert (await api.get("/storage/none")).status_code == 404


async def test_local_is_always_there(api: Api, node: FakeNode) -> None:
    node.stored = {}
    assert [row["storage"] for row in data(await api.get("/storage"))] == ["local"]


async def test_a_node_has_the_storages_that_are_for_it(api: Api) -> None:
    assert [row["storage"] for row in data(await api.get("/nodes/alpha/storage"))] == ["local"]
    local, disks = data(await api.get("/nodes/beta/storage"))
    assert (local["shared"], local["enabled"], local["active"]) == (0, 1, 0)
    assert (disks["shared"], disks["enabled"]) == (1, 0)
    assert [row["storage"] for row in data(await api.get("/nodes/beta/storage", enabled=1))] == ["local"]
    assert data(await api.get("/nodes/beta/storage", content="iso"))[0]["storage"] == "local"


async def test_pools_have_comments_and_members(api: Api) -> None:
    assert data(await api.get("/pools")) == [{"poolid": "empty"}, {"poolid": "office", "comment": "The office"}]
    office = data(await api.get("/pools/office"))
    assert [member["id"] for member in office["members"]] == ["qemu/100", "qemu/101", "storage/disks"]
    assert data(await api.get("/pools", poolid="office")) == [office]
    disks = data(await api.get("/pools", poolid="office", type="storage"))[0]["members"]
    assert disks == data(await api.get("/pools/office", type="storage"))["members"] == office["members"][2:]
    assert (await api.get("/pools/none")).status_code == 404


async def test_who_has_no_rights_on_them_sees_none(node: FakeNode) -> None:
    alice = Api().sign_in(ALICE)
    assert data(await alice.get("/storage")) == data(await alice.get("/pools")) == []
    assert [row["type"] for row in data(await alice.get("/cluster/resources"))] == ["node", "node"]
