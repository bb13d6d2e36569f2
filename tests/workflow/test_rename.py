"""Renaming a node or the cluster: what names it goes with it, all at once, and a second rename is the way back."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.corosync import conf
from cluster.errors import Conflict, InvalidInput, NoQuorum, Unavailable
from cluster.workflow import renaming, tombstone
from cluster.workflow.rename import foretell_rename, plan_rename, rename
from tests.workflow.world import Story

FILES = {
    "storage.cfg": b"dir: local\n\tpath /srv\n\tnodes beta,gamma\n\nnfs: far\n\tnodes gammaray\n",
    "user.cfg": b"user:alice@pve:1:0::::::\nacl:1:/nodes/gamma:alice@pve:PVEAuditor:\nacl:1:/nodes/gammaray:bob:A:\n",
    "ha/groups.cfg": b"group: pair\n\tnodes gamma:2,beta\n",
    "alerts.cfg": b"silence: nightly\n\tnode gamma\n\tuntil 9\n\nwebhook: far\n\turl https://gammaray.example/\n",
    "replication.cfg": b"local: 100-0\n\ttarget gamma\n",
    "priv/known_hosts": b"gamma,10.0.0.3 ssh-rsa AAAA\nbeta ssh-rsa BBBB\n",
    "priv/authorized_keys": b"ssh-rsa AAAA root@gamma\nssh-rsa BBBB root@beta\n",
}


@pytest.fixture
async def three(world: Any) -> Any:
    await world.three_nodes()
    for path, data in {**FILES, "nodes/gamma/qemu-server/100.conf": b"cores: 1\n"}.items():
        for host in world.network.hosts:
            host.disk.store.files[path] = data
    return world


async def give(world: Any, node: str, name: str, host: Any = None) -> Story:
    story, host = Story(), host or world.alpha
    await rename(host, plan_rename(node, name), world.journal(host), story, world.clock)
    return story


def listed(host: Any) -> list[tuple[str, int]]:
    return [(node.name, node.node_id) for node in conf.parse(host.disk.store.files["corosync.conf"]).nodes()]


def tree(host: Any) -> dict[str, bytes]:
    files = dict(host.disk.store.files)
    document = conf.with_version(conf.parse(files.pop("corosync.conf")), 1)
    notes = {path for path in files if path.startswith(f"{renaming.ROOT}/")}
    return {path: data for path, data in files.items() if path not in notes} | {"": conf.render(document).encode()}


def test_every_file_that_names_the_node_says_its_new_name_and_nothing_else_changes() -> None:
    fresh = {path: renaming.renamed(path, data, "gamma", "delta") for path, data in FILES.items()}
    assert fresh == {path: _but_gammaray(data) for path, data in FILES.items()}


def _but_gammaray(data: bytes) -> bytes:
    return data.replace(b"gammaray", b"@@").replace(b"gamma", b"delta").replace(b"@@", b"gammaray")


async def test_a_node_keeps_its_id_its_votes_and_its_guests_under_its_new_name(three: Any) -> None:
    before = conf.parse(three.beta.disk.store.files["corosync.conf"]).config_version
    await give(three, "gamma", "delta")
    for host in (three.alpha, three.beta):
        assert listed(host) == [("alpha", 1), ("beta", 2), ("delta", 3)]
        assert host.disk.store.files["nodes/delta/qemu-server/100.conf"] == b"cores: 1\n"
        assert not [path for path in host.disk.store.files if path.startswith("nodes/gamma/")]
        assert host.disk.store.files["storage.cfg"] == _but_gammaray(FILES["storage.cfg"])
    assert conf.parse(three.beta.disk.store.files["corosync.conf"]).config_version == before + 1
    assert "node gamma renamed delta, by root@pam" in three.alpha.logged


async def test_renaming_back_leaves_everything_as_it_was(three: Any) -> None:
    before = tree(three.alpha)
    await give(three, "gamma", "delta")
    assert tree(three.alpha) != before
    three.gamma.name = "delta"  # its daemon has begun anew
    await give(three, "delta", "gamma", three.beta)
    assert tree(three.alpha) == tree(three.beta) == before


async def test_the_cluster_gets_another_name_and_keeps_its_key_and_lineage(three: Any) -> None:
    key, uuid = three.alpha.disk.key, three.alpha.disk.store.uuid
    await give(three, "", "office")
    assert conf.parse(three.beta.disk.store.files["corosync.conf"]).cluster_name == "office"
    assert (three.alpha.disk.key, three.alpha.disk.store.uuid) == (key, uuid)
    assert "already" in await three.failed(give(three, "", "office"))


@pytest.mark.parametrize(
    ("node", "name", "why"),
    [
        ("gamma", "beta", "is part of the cluster already"),
        ("gamma", "gamma", "already"),
        ("epsilon", "delta", "No node named epsilon"),
        ("gamma", "ghost", "was removed and may come back"),
        ("gamma", "haunted", "has a folder nodes/haunted"),
    ],
)
async def test_a_name_that_is_not_free_is_refused_before_anything_changes(
    three: Any, node: str, name: str, why: str
) -> None:
    three.alpha.disk.store.files |= {**removed("ghost", three), "nodes/haunted/config": b""}
    before = dict(three.alpha.disk.store.files)
    told = await foretell_rename(three.alpha, plan_rename(node, name), "root@pam", three.clock)
    assert why in told.obstacle and why in await three.failed(give(three, node, name))
    assert three.alpha.disk.store.files == before


def removed(name: str, three: Any, *, ago_s: int = 0, reinstated: bool = False) -> dict[str, bytes]:
    stone = tombstone.Stone(name, 9, 1, {}, int(three.clock.unix_s()) - ago_s, "root@pam", reinstated=reinstated)
    return {tombstone.stone_path(name): tombstone.write(stone)}


@pytest.mark.parametrize("stone", [{"reinstated": True}, {"ago_s": 2 * 86400}])
async def test_the_name_of_a_node_that_cannot_come_back_any_more_is_free(three: Any, stone: dict[str, Any]) -> None:
    three.alpha.disk.store.files |= removed("ghost", three, **stone)
    told = await foretell_rename(three.alpha, plan_rename("gamma", "ghost"), "root@pam", three.clock)
    assert told.obstacle == ""


@pytest.mark.parametrize("name", ["", "-x", "a" * 64, "two words", "a.b"])
def test_what_is_no_name_is_refused_at_the_door(name: str) -> None:
    for node in ("gamma", ""):
        with pytest.raises(InvalidInput):
            plan_rename(node, name)


async def test_an_offline_node_is_not_renamed_behind_its_back(three: Any) -> None:
    three.gamma.engine_runs = False
    assert "is offline" in await three.failed(give(three, "gamma", "delta"))


async def test_asking_for_the_plan_changes_nothing(three: Any) -> None:
    before = [host.disk.snapshot() for host in three.network.hosts]
    told = await foretell_rename(three.alpha, plan_rename("gamma", "delta"), "root@pam", three.clock)
    assert told.obstacle == "" and told.steps[1] == "Call the node gamma delta wherever it is named"
    assert [host.disk.snapshot() for host in three.network.hosts] == before


@pytest.mark.parametrize("method", ["store_read", "store_paths", "online_nodes", "store_state", "store_clean"])
@pytest.mark.parametrize(
    "error", [Unavailable("The disk does not answer."), NoQuorum("No quorum."), Conflict("Other.")]
)
async def test_what_fails_leaves_the_former_name(three: Any, method: str, error: Exception) -> None:
    before = tree(three.alpha)
    three.alpha.fail[method] = error
    await three.failed(give(three, "gamma", "delta"))
    three.alpha.fail.clear()
    assert tree(three.alpha) == tree(three.beta) == before
    await give(three, "gamma", "delta")


@pytest.mark.parametrize("method", ["store_read", "store_clean", "cluster_log", "activate_configuration", "settle"])
@pytest.mark.parametrize("when", ["fail", "fail_after"])
async def test_killed_at_any_step_it_has_one_of_both_names_and_another_try_finishes(
    three: Any, method: str, when: str
) -> None:
    from cluster.workflow.fake_host import Killed

    before = tree(three.alpha)
    getattr(three.alpha, when)[method] = Killed()
    await three.killed(give(three, "gamma", "delta"))
    await three.restart(three.alpha)
    assert three.journal(three.alpha).read() is None
    names = {name for name, _ in listed(three.alpha)}
    if "gamma" in names:
        assert tree(three.alpha) == before
        await give(three, "gamma", "delta")
    assert listed(three.alpha) == [("alpha", 1), ("beta", 2), ("delta", 3)]


@pytest.mark.parametrize(
    ("notes", "name"),
    [({"priv/renamed/delta": b"gamma\n"}, "delta"), ({}, ""), ({"priv/renamed/delta": b"other\n"}, "")],
)
def test_a_node_takes_a_name_only_where_the_tree_says_it_is_the_same_node(notes: Any, name: str) -> None:
    assert renaming.new_name(notes, "delta", "gamma") == name
    assert renaming.new_name(notes, "gamma", "gamma") == renaming.new_name(notes, None, "gamma") == ""
