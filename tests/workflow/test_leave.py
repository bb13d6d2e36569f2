"""Leaving a cluster: in good order, by force, and every way in which it may fail."""

import pytest

from cluster.corosync import conf
from cluster.errors import NoQuorum, OutcomeUnknown, Unavailable
from cluster.workflow.leave import leave
from tests.workflow.world import Story

# The leaving node's methods, in the order it first uses them, with what is left behind when one fails.
BEFORE_THE_REMOVAL = ["store_read", "store_state", "online_nodes", "commit_removal"]
AFTER_THE_REMOVAL = ["stop_engine", "backup_store", "remove_configuration", "separate_store"]


@pytest.fixture
async def three(world):
    await world.three_nodes()
    world.gamma.disk.store.files["nodes/alpha/pve-ssl.pem"] = b"alpha's"
    return world


async def do_leave(world, host, force=False, even_if_alive=False):
    story = Story()
    await leave(host, force, world.journal(host), story, world.clock, even_if_alive)
    return story


def names_listed(host):
    return [node.name for node in conf.parse(host.disk.store.files["corosync.conf"]).nodes()]


async def test_the_cluster_goes_on_without_the_node_and_the_node_is_stand_alone(three):
    before = conf.parse(three.alpha.disk.conf).config_version
    former = three.gamma.disk.store.uuid
    await do_leave(three, three.gamma)
    assert names_listed(three.alpha) == names_listed(three.beta) == ["alpha", "beta"]
    assert conf.parse(three.alpha.disk.conf).config_version == before + 1
    assert (await three.alpha.store_state()).writable
    gamma = three.gamma
    assert (gamma.disk.conf, gamma.disk.key, gamma.engine_runs) == (None, None, False)
    assert await gamma.configured_cluster() == ""
    assert gamma.disk.store.uuid not in ("", former)
    assert three.journal(gamma).read() is None


async def test_what_the_node_had_stays_but_the_cluster_s_keys_and_the_others_folders(three):
    three.gamma.disk.store.files["user.cfg"] = b"shared"
    await do_leave(three, three.gamma)
    files = three.gamma.disk.store.files
    assert files["user.cfg"] == b"shared"
    assert files["authkey.pub"] == b"own public key"
    assert not [path for path in files if path.startswith("nodes/") and "gamma" not in path]


async def test_a_node_that_left_can_join_again_under_its_name(three):
    await do_leave(three, three.gamma)
    await three.join(three.gamma, three.alpha)
    assert names_listed(three.gamma) == ["alpha", "beta", "gamma"]
    assert three.gamma.disk.conf == three.alpha.disk.conf


async def test_the_log_tells_what_was_done(three):
    story = await do_leave(three, three.gamma)
    assert story.lines == [
        "Check whether the cluster can go on without this node: OK",
        "Take this node out of the cluster's configuration: OK",
        "Leave the cluster's groups and stop corosync: OK",
        "Keep a copy of the store: OK, store-1",
        "Remove the cluster's key and configuration: OK",
        "Make the store this node's own, with new keys: OK",
        "Tidy up: OK",
        "gamma is stand-alone now. Sign in again: tickets of the cluster are worth nothing here.",
    ]


async def test_without_quorum_leaving_is_refused_and_force_changes_this_node_only(three):
    three.alpha.engine_runs = three.beta.engine_runs = False
    before = three.gamma.disk.snapshot()
    sentence = await three.failed(do_leave(three, three.gamma))
    assert "too few votes" in sentence and "With force" in sentence
    assert three.gamma.disk.snapshot() == before
    story = await do_leave(three, three.gamma, force=True)
    assert "remove this node there as well" in story.text
    assert await three.gamma.configured_cluster() == ""
    assert names_listed(three.alpha) == ["alpha", "beta", "gamma"]


async def test_whoever_is_alive_has_a_say_before_a_node_separates(three):
    three.alpha.engine_runs = three.beta.engine_runs = False
    three.gamma.answering = {"beta": ("10.0.0.2",)}
    before = three.gamma.disk.snapshot()
    sentence = await three.failed(do_leave(three, three.gamma, force=True))
    assert "beta answers at 10.0.0.2" in sentence and "even if a node is alive" in sentence
    assert three.gamma.disk.snapshot() == before
    story = await do_leave(three, three.gamma, force=True, even_if_alive=True)
    assert "goes on as if this node were only away" in story.text and "where alpha should be" in story.text
    assert await three.gamma.configured_cluster() == ""


async def test_a_node_that_can_ask_its_cluster_tries_nobody(three):
    await do_leave(three, three.gamma, force=True)
    assert "answering_nodes" not in three.gamma.calls


async def test_a_forced_leave_keeps_the_other_nodes_folders(three):
    three.alpha.engine_runs = three.beta.engine_runs = False
    await do_leave(three, three.gamma, force=True)
    assert three.gamma.disk.store.files["nodes/alpha/pve-ssl.pem"] == b"alpha's"


async def test_a_node_whose_going_would_cost_the_quorum_is_told_so(three):
    three.beta.engine_runs = False
    sentence = await three.failed(do_leave(three, three.gamma))
    assert "1 votes would be present and 2 needed" in sentence


async def test_the_last_node_stays_unless_it_ends_the_cluster_by_force(world):
    await world.create(world.alpha)
    assert "last node" in await world.failed(do_leave(world, world.alpha))
    await do_leave(world, world.alpha, force=True)
    assert await world.alpha.configured_cluster() == ""
    assert world.alpha.disk.key is None


async def test_a_node_the_cluster_has_removed_only_tidies_up_here(three):
    document = conf.parse(three.gamma.disk.store.files["corosync.conf"])
    three.gamma.disk.store.files["corosync.conf"] = conf.render(conf.remove_node(document, "gamma")).encode()
    three.gamma.engine_runs = False
    story = await do_leave(three, three.gamma)
    assert "goes on without it already" in story.text
    assert "commit_removal" not in three.gamma.calls
    assert await three.gamma.configured_cluster() == ""


@pytest.mark.parametrize("method", BEFORE_THE_REMOVAL)
async def test_a_failure_before_the_removal_changes_nothing_anywhere(three, method):
    before = [three.without_version(host) for host in three.network.hosts]
    three.gamma.fail[method] = NoQuorum("made up")
    await three.failed(do_leave(three, three.gamma))
    three.gamma.fail.clear()
    assert [three.without_version(host) for host in three.network.hosts] == before
    assert three.gamma.engine_runs
    assert three.journal(three.gamma).read() is None


async def test_a_removal_whose_outcome_is_unknown_is_put_back_when_it_did_happen(three):
    three.gamma.fail_after["commit_removal"] = OutcomeUnknown("nobody knows", "r1")
    await three.failed(do_leave(three, three.gamma))
    # The fake lets a removed node write no more; then the sentence says what to do, and leaving again finishes it.
    three.gamma.fail_after.clear()
    await do_leave(three, three.gamma)
    assert await three.gamma.configured_cluster() == ""


@pytest.mark.parametrize("method", AFTER_THE_REMOVAL)
@pytest.mark.parametrize("when", ["fail", "fail_after"])
async def test_a_failure_after_the_removal_is_finished_by_leaving_again(three, method, when):
    key = three.gamma.disk.key
    getattr(three.gamma, when)[method] = Unavailable("made up")
    sentence = await three.failed(do_leave(three, three.gamma))
    assert "Leave again" in sentence or "tried again when the daemon starts" in sentence
    three.gamma.fail.clear()
    three.gamma.fail_after.clear()
    if three.journal(three.gamma).read() is not None:
        await three.restart(three.gamma)
    assert three.gamma.disk.key == key
    await do_leave(three, three.gamma)
    assert await three.gamma.configured_cluster() == ""
    assert three.gamma.disk.key is None


@pytest.mark.parametrize("method", [*BEFORE_THE_REMOVAL, *AFTER_THE_REMOVAL])
@pytest.mark.parametrize("when", ["fail", "fail_after"])
async def test_a_daemon_killed_while_leaving_is_a_member_or_finishes_by_leaving_again(three, method, when):
    from cluster.workflow.fake_host import Killed

    getattr(three.gamma, when)[method] = Killed()
    assert await three.killed(do_leave(three, three.gamma))
    await three.restart(three.gamma)
    assert three.journal(three.gamma).read() is None
    three.gamma.engine_runs = "gamma" in names_listed(three.gamma)  # the daemon starts it by itself
    assert three.gamma.disk.key is not None
    await do_leave(three, three.gamma)
    assert await three.gamma.configured_cluster() == ""
    assert names_listed(three.alpha) == ["alpha", "beta"]
