"""Joining with content: what a node has of its own comes along as planned, and all of it is in the copy as well."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.errors import Conflict, PeerRefused, Unavailable
from cluster.secret import Secret
from cluster.workflow.import_plan import Taken, plan_import, taken
from cluster.workflow.join import foretell_join
from cluster.workflow.join_plan import plan_join
from tests.workflow.world import FINGERPRINTS, PASSWORD

OWN = {
    "nodes/beta/qemu-server/100.conf": b"scsi0: fast:vm-100-disk-0,size=8G\nname: web\n",
    "nodes/beta/lxc/104.conf": b"rootfs: other:104/disk.raw\n",
    "nodes/beta/config": b"description: beta\n",
    "nodes/old/config": b"left\n",
    "firewall/100.fw": b"[RULES]\n",
    "storage.cfg": b"dir: local\n\tpath /var/lib/vz\n\ndir: fast\n\tpath /beta\n\tnodes beta\n"
    b"\nnfs: far\n\tserver 10.9.0.1\n",
    "user.cfg": b"user:mallory@pve:1:0::::::\n",
    "priv/tfa.cfg": b"{}",
    "notes.txt": b"beta's",
    "same.txt": b"same",
    "mappings/pci.cfg": b"card\n",
}
THEIRS = {
    "nodes/alpha/qemu-server/100.conf": b"cores: 1\n",
    "nodes/alpha/qemu-server/101.conf": b"cores: 1\n",
    "storage.cfg": b"dir: local\n\tpath /var/lib/vz\n\ndir: fast\n\tpath /alpha\n",
    "notes.txt": b"alpha's",
    "same.txt": b"same",
}


def becomes(own: dict[str, bytes], theirs: Taken) -> dict[tuple[str, str], str]:
    return {(row.path, row.what): row.becomes for row in plan_import(own, "beta", theirs).rows}


def test_a_plan_says_of_each_file_and_section_what_becomes_of_it() -> None:
    assert becomes(OWN, taken(THEIRS)) == {
        ("storage.cfg", "dir: local"): "kept",
        ("storage.cfg", "dir: fast"): "renamed",
        ("storage.cfg", "nfs: far"): "kept",
        ("nodes/beta/qemu-server/100.conf", "guest 100"): "re-numbered",
        ("nodes/beta/lxc/104.conf", "guest 104"): "kept",
        ("nodes/beta/config", ""): "kept",
        ("nodes/old/config", ""): "dropped",
        ("firewall/100.fw", ""): "re-numbered",
        ("user.cfg", ""): "dropped",
        ("priv/tfa.cfg", ""): "dropped",
        ("notes.txt", ""): "renamed",
        ("same.txt", ""): "kept",
        ("mappings/pci.cfg", ""): "kept",
    }


def test_a_guest_gets_the_lowest_number_that_neither_side_has_and_follows_its_storage() -> None:
    plan = plan_import(OWN, "beta", taken(THEIRS))
    assert plan.files["nodes/beta/qemu-server/102.conf"] == b"scsi0: fast-beta:vm-100-disk-0,size=8G\nname: web\n"
    assert plan.files["nodes/beta/lxc/104.conf"] == OWN["nodes/beta/lxc/104.conf"]
    assert plan.files["firewall/102.fw"] == b"[RULES]\n" and plan.files["notes-beta.txt"] == b"beta's"
    assert plan.storages == (
        b"dir: fast-beta\n\tpath /beta\n\tnodes beta\n", b"nfs: far\n\tserver 10.9.0.1\n\tnodes beta\n",
    )  # fmt: skip


def test_where_nothing_collides_nothing_is_renamed() -> None:
    assert set(becomes(OWN, Taken()).values()) == {"kept", "dropped"}
    assert plan_import({}, "beta", Taken()).rows == ()


def test_a_name_that_is_taken_twice_gets_a_number() -> None:
    theirs = taken({"notes.txt": b"1", "notes-beta.txt": b"2", "a.d/x": b"1"})
    plan = plan_import({"notes.txt": b"3", "a.d/x": b"2"}, "beta", theirs)
    assert set(plan.files) == {"notes-beta-2.txt", "a.d/x-beta"}


@pytest.fixture
async def two(world: Any) -> Any:
    await world.create(world.alpha)
    world.alpha.disk.store.files |= THEIRS
    world.beta.disk.store.files |= OWN
    return world


async def test_what_was_planned_is_in_the_cluster_and_all_of_it_in_the_copy(two: Any) -> None:
    story = await two.join(two.beta, two.alpha, brings=True)
    files = two.alpha.disk.store.files
    assert files == two.beta.disk.store.files
    assert files["nodes/beta/qemu-server/102.conf"].startswith(b"scsi0: fast-beta:")
    assert files["nodes/alpha/qemu-server/100.conf"] == b"cores: 1\n" and files["notes.txt"] == b"alpha's"
    assert files["storage.cfg"].startswith(THEIRS["storage.cfg"]) and b"\nnfs: far\n" in files["storage.cfg"]
    assert "user.cfg" not in files
    assert OWN.items() <= two.beta.disk.backups["store-0"].files.items()
    assert "re-numbered. It becomes guest 102" in story.text
    assert "Bring this node's own configuration along: OK, " in story.text


async def test_the_plan_is_told_before_anything_is_asked_for(two: Any) -> None:
    before = [host.disk.snapshot() for host in two.network.hosts]
    plan = plan_join(two.beta, two.alpha.address, FINGERPRINTS[two.alpha.address], Secret(PASSWORD), brings=True)
    told = await foretell_join(two.beta, plan, two.peer, "root@pam", two.clock)
    assert told.obstacle == "" and any("It becomes guest 102" in line for line in told.warnings)
    assert [host.disk.snapshot() for host in two.network.hosts] == before


async def test_without_being_asked_nothing_comes_along(two: Any) -> None:
    for path in [path for path in OWN if "qemu-server" in path or "lxc" in path]:
        del two.beta.disk.store.files[path]
    story = await two.join(two.beta, two.alpha)
    assert two.alpha.disk.store.files.items() >= THEIRS.items() and "notes-beta.txt" not in two.alpha.disk.store.files
    assert "stays in a copy of this node's store" in story.text


@pytest.mark.parametrize("error", [Unavailable("The disk does not answer."), Conflict("Changed meanwhile.")])
async def test_a_join_whose_import_fails_stands_and_says_that_the_copy_has_it(two: Any, error: Exception) -> None:
    two.beta.fail["store_clean"] = error
    story = await two.join(two.beta, two.alpha, brings=True)
    assert any("copy of its former store" in line for line in story.lines)
    assert OWN.items() <= two.beta.disk.backups["store-0"].files.items()


async def test_a_peer_that_does_not_tell_what_it_has_is_joined_all_the_same(two: Any) -> None:
    def refuse(path: str, answer: Any) -> Any:
        if path.endswith("/taken"):
            raise PeerRefused("not here")
        return answer

    two.before_answer = refuse
    story = await two.join(two.beta, two.alpha, brings=True)
    assert "not known yet" in story.text and "nodes/beta/qemu-server/102.conf" in two.alpha.disk.store.files
