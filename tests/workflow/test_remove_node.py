"""Removing another node: what it would mean, what is refused, and what is done in which order."""

import pytest

from cluster.corosync import conf
from cluster.errors import Conflict, InvalidInput, NoQuorum, NotFound, NotInCluster, Unavailable
from cluster.model import Link, Node
from cluster.workflow import witness_rule
from cluster.workflow.removal_plan import plan_removal
from cluster.workflow.remove_node import read_plan, remove_node
from cluster.workflow.undo_removal import removed_nodes, undo_removal
from tests.workflow.test_witness_rule import RECORD

ALPHA, BETA, GAMMA, DELTA = (Node(name, place, 1) for place, name in enumerate(("alpha", "beta", "gamma", "delta"), 1))


@pytest.fixture
async def three(world):
    await world.three_nodes()
    return world


def remove(world, node, asked=None):
    host = asked or world.alpha
    return remove_node(host, world.additions[host.name], world.clock, node, "root@pam")


def names_listed(host):
    return [node.name for node in conf.parse(host.disk.store.files["corosync.conf"]).nodes()]


@pytest.mark.parametrize("alive", [True, False])
async def test_a_node_is_removed_dead_or_alive(three, alive):
    three.gamma.engine_runs = alive
    before = conf.parse(three.alpha.disk.conf).config_version
    assert await remove(three, "gamma") == ()
    assert names_listed(three.alpha) == names_listed(three.beta) == ["alpha", "beta"]
    assert conf.parse(three.beta.disk.conf).config_version == before + 1
    assert three.alpha.ended == ([3] if alive else [])
    assert "deleting node gamma from cluster, by root@pam" in three.alpha.logged


async def test_the_vote_goes_before_the_node_is_ended_and_the_engines_are_told_last(three):
    await remove(three, "gamma")
    order = [call for call in three.alpha.calls if call in ("commit_removal", "end_member", "activate_configuration")]
    assert order == ["commit_removal", "end_member", "activate_configuration"]


async def test_a_node_that_is_being_added_may_be_removed_and_its_record_goes(world):
    await world.create(world.alpha)
    await world.additions["alpha"].add("beta", new_node_ip="10.0.0.2", apiversion=1)
    assert world.additions["alpha"].pending == ("beta",)
    world.alpha.disk.store.voters.add("beta")
    world.alpha.network.hosts[1].engine_runs = False
    with pytest.raises(NoQuorum):
        await remove(world, "beta")  # two votes are expected and one is here: its own deadline takes it out
    assert world.additions["alpha"].pending == ("beta",)


async def test_the_asked_node_an_unknown_one_and_nonsense_are_refused(three):
    with pytest.raises(Conflict, match="the node you are asking"):
        await remove(three, "alpha")
    with pytest.raises(NotFound, match="delta"):
        await remove(three, "delta")
    with pytest.raises(InvalidInput):
        await remove(three, "../etc")
    assert "commit_removal" not in three.alpha.calls


async def test_a_stand_alone_node_has_nobody_to_remove(world):
    with pytest.raises(NotInCluster):
        await remove(world, "beta")


async def test_without_quorum_nobody_is_removed(three):
    three.beta.engine_runs = three.gamma.engine_runs = False
    with pytest.raises(NoQuorum):
        await remove(three, "gamma")
    assert names_listed(three.alpha) == ["alpha", "beta", "gamma"]


async def test_what_fails_after_the_removal_is_told_and_does_not_fail_it(three):
    three.alpha.fail["end_member"] = Unavailable("corosync does not answer")
    assert await remove(three, "gamma") == ("gamma could not be ended: corosync does not answer",)
    assert names_listed(three.beta) == ["alpha", "beta"]


async def test_a_removed_node_joins_again_under_its_name(three):
    from cluster.workflow.leave import leave
    from tests.workflow.world import Story

    await remove(three, "gamma")
    three.gamma.engine_runs = False
    three.gamma.disk.store.files["corosync.conf"] = three.alpha.disk.store.files["corosync.conf"]
    await leave(three.gamma, False, three.journal(three.gamma), Story(), three.clock)
    await three.join(three.gamma, three.alpha)
    assert names_listed(three.gamma) == ["alpha", "beta", "gamma"]


# --- the plan ---------------------------------------------------------------------------------------------------------


async def test_a_plan_is_read_from_the_configuration_and_who_is_online(three):
    plan = await read_plan(three.alpha, "gamma")
    assert (plan.node_id, plan.online, plan.obstacle) == (3, True, "")
    assert (plan.before.expected_votes, plan.after.expected_votes) == (3, 2)


def test_a_dead_node_of_four_may_go_and_leaves_a_safer_cluster():
    plan = plan_removal((ALPHA, BETA, GAMMA, DELTA), {"alpha", "beta", "gamma"}, "delta")
    assert (plan.before.present_votes, plan.before.needed_votes, plan.before.quorate) == (3, 3, True)
    assert (plan.after.present_votes, plan.after.needed_votes, plan.after.quorate) == (3, 2, True)
    assert (plan.obstacle, plan.warnings) == ("", ())


def test_a_live_node_whose_vote_is_needed_may_not_go():
    plan = plan_removal((ALPHA, BETA, GAMMA), {"alpha", "beta"}, "beta")
    assert "Without beta the cluster would have no quorum" in plan.obstacle


def test_two_that_remain_are_warned_of():
    assert "Two nodes remain" in plan_removal((ALPHA, BETA, GAMMA), {"alpha", "beta", "gamma"}, "gamma").warnings[0]


def test_the_last_node_has_nothing_to_be_taken_out_of():
    plan = plan_removal((ALPHA,), {"alpha"}, "alpha")
    assert "last node" in plan.obstacle and plan.after.nodes == 0


# --- what it leaves behind, and the way back --------------------------------------------------------------------------

STORAGE = b"dir: tank\n\tnodes gamma\n\ndir: all\n\tnodes beta,gamma\n"


def undo(world, node):
    return undo_removal(world.alpha, world.additions["alpha"], world.clock, node, "root@pam")


async def test_what_named_the_node_is_cleaned_and_archived_with_the_removal(three):
    guest = "nodes/gamma/qemu-server/100.conf"
    await three.alpha.store_write_all({"storage.cfg": STORAGE, guest: b"memory: 512\n"})
    plan = await read_plan(three.alpha, "gamma")
    assert {one.kind for one in plan.references} >= {"storage", "guest", "certificate"}
    assert "Migrate or stop the 1 guest of gamma." in plan.order
    await remove(three, "gamma")
    for host in (three.alpha, three.beta):
        files = host.disk.store.files
        assert files["storage.cfg"] == b"dir: all\n\tnodes beta\n"
        assert files["priv/removed/gamma/node/qemu-server/100.conf"] == b"memory: 512\n"
        assert not [path for path in files if path.startswith("nodes/gamma")]
    (stone,) = await removed_nodes(three.alpha)
    assert (stone.name, stone.node_id, stone.user, stone.left) == ("gamma", 3, "root@pam", False)


async def test_a_removal_is_taken_back_within_a_day_with_all_that_named_the_node(three):
    await three.alpha.store_write_all({"storage.cfg": STORAGE, "jobs.cfg": b"vzdump: j\n\tnode gamma\n"})
    before = dict(three.alpha.disk.store.files)
    await remove(three, "gamma")
    await three.alpha.store_write_all({"jobs.cfg": b"vzdump: k\n\tall 1\n"})
    (warning,) = await undo(three, "gamma")
    assert warning.startswith("jobs.cfg was changed since")
    assert names_listed(three.beta) == ["alpha", "beta", "gamma"]
    after = three.alpha.disk.store.files
    assert all(after[path] == data for path, data in before.items() if path not in ("corosync.conf", "jobs.cfg"))
    assert await removed_nodes(three.alpha) == []
    left = [path for path in after if path.startswith("priv/removed/")]
    assert sorted(left) == ["priv/removed/gamma/before/jobs.cfg", "priv/removed/gamma/stone.json"]
    with pytest.raises(Conflict, match="nothing to take back"):
        await undo(three, "gamma")


async def test_after_a_day_or_with_its_id_taken_a_removal_stays(three):
    await remove(three, "gamma")
    three.clock.now_s += 24 * 3600 + 1
    with pytest.raises(Conflict, match="more than a day ago"):
        await undo(three, "gamma")
    with pytest.raises(NotFound):
        await undo(three, "delta")


async def test_removing_twice_is_told_in_plain_words(three):
    await remove(three, "gamma")
    with pytest.raises(NotFound, match="gone already"):
        await remove(three, "gamma")


async def test_the_plan_says_that_the_witness_will_rest(three):
    document = conf.parse(three.alpha.disk.store.files["corosync.conf"])
    four = conf.render(conf.add_node(document, Node("delta", 4, 1, (Link(0, "10.0.0.4"),)))).encode()
    three.alpha.disk.store.files["corosync.conf"] = four
    assert not any("witness" in warning for warning in (await read_plan(three.alpha, "delta")).warnings)
    three.alpha.disk.store.files[witness_rule.PATH] = witness_rule.encode(RECORD)
    assert any(
        "The witness rests afterwards: 3 nodes" in one for one in (await read_plan(three.alpha, "delta")).warnings
    )
    three.alpha.disk.store.files["corosync.conf"] = conf.render(document).encode()
    assert not any("witness" in warning for warning in (await read_plan(three.alpha, "gamma")).warnings)
