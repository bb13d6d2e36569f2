"""The member's side of a join: adding a node, and taking it out again."""

import asyncio

import pytest

from cluster.corosync import conf
from cluster.errors import Busy, Conflict, Forbidden, InvalidInput, NoQuorum, NotInCluster, OutcomeUnknown, QuireError
from cluster.model import Link, Node, Revision, StoreState
from cluster.workflow import add_node
from cluster.workflow.fake_host import Killed
from cluster.workflow.tombstone import KEY, KEY_ACTIVE, KEY_DUE


@pytest.fixture
async def alpha(world):
    """alpha's additions, in a cluster of its own."""
    await world.create(world.alpha)
    return world.additions["alpha"]


def document(world):
    return conf.parse(world.alpha.disk.store.files["corosync.conf"])


async def test_an_added_node_gets_the_configuration_the_key_the_identity_and_a_token(world, alpha):
    added = await alpha.add("beta", {0: "10.0.0.2"}, apiversion=1)
    assert added.corosync_conf.encode() == world.alpha.disk.store.files["corosync.conf"] == world.alpha.disk.conf
    assert added.corosync_authkey.encode("latin-1") == world.alpha.disk.key
    assert added.cluster_uuid == world.alpha.disk.store.uuid and len(added.undo_token) >= 32
    assert document(world).node("beta") == Node("beta", 2, 1, (Link(0, "10.0.0.2"),))
    assert document(world).config_version == 2 and alpha.pending == ("beta",)
    assert "adding node beta to cluster, by root@pam" in world.alpha.logged


async def test_key_and_token_show_themselves_in_no_text(world, alpha):
    added = await alpha.add("beta", {0: "10.0.0.2"})
    assert added.undo_token not in repr(added) and added.corosync_authkey[:8] not in repr(added)
    stored = (world.folder / "alpha" / "pending-members.json").read_bytes()
    assert added.undo_token.encode() not in stored and world.alpha.disk.key not in stored
    assert (world.folder / "alpha" / "pending-members.json").stat().st_mode & 0o777 == 0o600


async def test_without_links_the_new_node_s_address_goes_on_the_only_link(world, alpha):
    await alpha.add("beta", new_node_ip="10.0.0.2", apiversion=1)
    assert document(world).node("beta").links == (Link(0, "10.0.0.2"),)


@pytest.mark.parametrize(
    ("name", "wishes", "field"),
    [
        ("../x", {}, "node"),
        ("a/b", {}, "node"),
        ("-beta", {}, "node"),
        ("beta\n", {}, "node"),
        ("b\u0435ta", {}, "node"),
        ("x" * 64, {}, "node"),
        ("beta", {"links": {0: "10.0.0.2\n"}}, "link0"),
        ("beta", {"links": {0: "$(id)"}}, "link0"),
        ("beta", {"links": {0: "0.0.0.0"}}, "link0"),
        ("beta", {"links": {0: "224.0.0.1"}}, "link0"),
        ("beta", {"links": {0: "127.0.0.1"}}, "link0"),
        ("beta", {"links": {0: "10.0.0.2", 1: "10.1.0.2"}}, "link1"),
        ("beta", {"links": {1: "10.1.0.2"}}, "link0"),
        ("beta", {"links": {}}, "link0"),
        ("beta", {"links": {}, "new_node_ip": "127.0.0.1"}, "new_node_ip"),
        ("beta", {"nodeid": 0}, "nodeid"),
        ("beta", {"votes": -1}, "votes"),
        ("beta", {"links": {0: "10.0.0.1"}}, "link0"),
        ("beta", {"nodeid": 1}, "nodeid"),
        ("alpha", {}, "node"),
    ],
)
async def test_what_cannot_be_added_is_refused_at_its_field_and_changes_nothing(world, alpha, name, wishes, field):
    before = world.alpha.disk.snapshot()
    with pytest.raises((InvalidInput, Conflict)) as caught:
        await alpha.add(name, **{"links": {0: "10.0.0.2"}, "force": True, **wishes})
    assert field in caught.value.fields
    assert world.alpha.disk.snapshot() == before and alpha.pending == ()


async def test_an_old_joiner_is_told_to_update(world, alpha, monkeypatch):
    monkeypatch.setattr(add_node, "API_VERSION", 2)
    with pytest.raises(Conflict, match="too old"):
        await alpha.add("beta", {0: "10.0.0.2"}, apiversion=0)


async def test_without_quorum_nothing_is_added(world, alpha):
    world.alpha.disk.store.voters = {"beta"}
    with pytest.raises(NoQuorum, match="too few votes"):
        await alpha.add("beta", {0: "10.0.0.2"})


async def test_a_member_whose_store_is_just_starting_is_waited_for(world, alpha, monkeypatch):
    """Its own creation may still be under way when the first node asks."""
    looked = []

    async def starting():
        looked.append(world.clock.now_s)
        if len(looked) < 40:
            return StoreState(False, "The store is starting.", Revision(0, 0), "")
        return StoreState(True, "", Revision(1, 1), "")

    monkeypatch.setattr(world.alpha, "store_state", starting, raising=False)
    await alpha.add("beta", {0: "10.0.0.2"})
    assert alpha.pending == ("beta",) and looked[-1] > looked[0]


async def test_a_member_whose_store_never_starts_says_so_within_its_bound_and_keeps_nobody_from_a_turn(world, alpha):
    world.alpha.disk.store.voters = {"beta"}
    begun_s = world.clock.now_s
    waiting = asyncio.create_task(alpha.add("beta", {0: "10.0.0.2"}))
    await asyncio.sleep(0)
    async with alpha.in_turn():
        pass
    with pytest.raises(NoQuorum, match="too few votes"):
        await waiting
    assert world.clock.now_s - begun_s < add_node.STARTING_S + 1


@pytest.mark.parametrize("step", [KEY_DUE, KEY])
async def test_the_key_is_given_once_the_change_that_a_removal_made_due_is_over(world, alpha, monkeypatch, step):
    """Who came with the key of before would be shut out by the members that use the new one."""
    files, new = world.alpha.disk.store.files, b"n" * 256
    files[step], slept = new, []

    async def changes_over(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            files.pop(KEY_DUE, None)
            files[KEY], files[KEY_ACTIVE], world.alpha.disk.key = new, conf.digest(new).encode(), new

    monkeypatch.setattr(world.clock, "sleep", changes_over)
    added = await alpha.add("beta", {0: "10.0.0.2"})
    assert added.corosync_authkey.encode("latin-1") == new and len(slept) == 3


async def test_a_key_that_cannot_be_changed_while_a_node_is_away_keeps_nobody_out(world):
    await world.three_nodes()
    world.gamma.engine_runs = False
    world.alpha.disk.store.files[KEY_DUE] = b"epsilon"
    begun_s = world.clock.now_s
    await world.additions["alpha"].add("delta", {0: "10.0.0.4"})
    assert world.clock.now_s == begun_s


async def test_a_stand_alone_node_adds_nobody(world):
    with pytest.raises(NotInCluster):
        await world.additions["gamma"].add("beta", {0: "10.0.0.2"})


async def test_an_unsound_configuration_is_reported_item_by_item(world, alpha):
    text = world.alpha.disk.store.files["corosync.conf"].replace(b"secauth: on", b"secauth: off")
    world.alpha.disk.store.files["corosync.conf"] = text
    with pytest.raises(Conflict) as caught:
        await alpha.add("beta", {0: "10.0.0.2"})
    assert "not encrypted" in caught.value.fields["error0"]
    assert world.alpha.disk.store.files["corosync.conf"] == text


async def test_a_host_name_is_added_with_a_warning(world, alpha):
    world.alpha.resolves["beta.example"] = ("10.0.0.2",)
    await alpha.add("beta", {0: "beta.example"})
    await world.join(world.beta, world.alpha, links={0: "10.0.0.2"})
    assert document(world).node("beta").links[0].address == "10.0.0.2"


async def test_a_listed_name_is_added_again_only_with_force_and_its_id_and_votes_unchanged(world, alpha):
    await world.join(world.beta, world.alpha)
    await alpha.check()
    await world.beta.stop_engine()
    world.alpha.disk.store.voters = {"alpha"}
    for wishes in ({}, {"force": True, "nodeid": 5}, {"force": True, "votes": 2}):
        with pytest.raises(Conflict, match="already part of the cluster"):
            await alpha.add("beta", {0: "10.0.0.2"}, **wishes)
    await alpha.add("beta", {0: "10.0.0.22"}, force=True)
    assert document(world).node("beta") == Node("beta", 2, 1, (Link(0, "10.0.0.22"),))


async def test_taking_a_forced_addition_back_restores_the_former_entry(world, alpha):
    await world.join(world.beta, world.alpha)
    await alpha.check()
    await world.beta.stop_engine()
    world.alpha.disk.store.voters = {"alpha"}
    before = world.without_version(world.alpha)
    added = await alpha.add("beta", {0: "10.0.0.22"}, force=True)
    await alpha.withdraw("beta", added.undo_token)
    assert world.without_version(world.alpha) == before


# --- taking back ------------------------------------------------------------------------------------------------------


async def test_the_token_takes_the_addition_back_and_the_version_still_rises(world, alpha):
    before = world.without_version(world.alpha)
    added = await alpha.add("beta", {0: "10.0.0.2"})
    await alpha.withdraw("beta", added.undo_token)
    assert world.without_version(world.alpha) == before and alpha.pending == ()
    assert document(world).config_version == 3
    assert any("taken out of the cluster again" in line for line in world.alpha.logged)
    await alpha.withdraw("beta", added.undo_token)  # once more does no harm


async def test_a_wrong_token_takes_nothing_back(world, alpha):
    await alpha.add("beta", {0: "10.0.0.2"})
    before = world.alpha.disk.snapshot()
    with pytest.raises(Forbidden):
        await alpha.withdraw("beta", "x" * 43)
    assert world.alpha.disk.snapshot() == before and alpha.pending == ("beta",)


async def test_the_token_dies_when_the_node_has_come_through(world, alpha):
    tokens = []

    def keep(path, answer):
        if path.endswith("/nodes/beta"):
            tokens.append(answer["undo_token"])
        return answer

    world.before_answer = keep
    await world.join(world.beta, world.alpha)
    with pytest.raises(Conflict, match="member of the cluster by now"):
        await alpha.withdraw("beta", tokens[0])
    assert alpha.pending == () and document(world).node("beta") is not None


async def test_a_joiner_that_is_still_online_is_waited_for_and_then_refused(world, alpha):
    added = await alpha.add("beta", {0: "10.0.0.2"})
    world.beta.disk.conf, world.beta.disk.key = world.alpha.disk.conf, world.alpha.disk.key
    world.beta.engine_runs = True
    with pytest.raises(Conflict, match="still online"):
        await alpha.withdraw("beta", added.undo_token)
    world.beta.engine_runs = False
    await alpha.withdraw("beta", added.undo_token)
    assert document(world).node("beta") is None


async def test_a_node_never_seen_online_is_withdrawn_at_its_deadline_and_not_before(world, alpha):
    await alpha.add("beta", {0: "10.0.0.2"})
    world.clock.now_s += 239
    await alpha.check()
    assert document(world).node("beta") is not None
    world.clock.now_s += 2
    await alpha.check()
    assert document(world).node("beta") is None and alpha.pending == ()


async def test_a_node_that_was_online_is_not_withdrawn_by_the_clock(world, alpha):
    await alpha.add("beta", {0: "10.0.0.2"})
    world.beta.disk.conf, world.beta.disk.key = world.alpha.disk.conf, world.alpha.disk.key
    world.beta.engine_runs = True
    await alpha.check()
    world.beta.engine_runs = False
    world.clock.now_s += 1000
    await alpha.check()
    assert document(world).node("beta") is not None and alpha.pending == ("beta",)
    assert world.new_additions(world.alpha).pending == ("beta",)


async def test_a_withdrawal_that_fails_is_tried_again(world, alpha):
    await alpha.add("beta", {0: "10.0.0.2"})
    world.clock.now_s += 241
    world.alpha.fail["write_configuration"] = NoQuorum("not now")
    await alpha.check()
    assert alpha.pending == ("beta",)
    world.alpha.fail.clear()
    await alpha.check()
    assert alpha.pending == () and document(world).node("beta") is None


# --- one at a time, and crashes ---------------------------------------------------------------------------------------


async def test_while_one_node_is_joining_no_other_is_added(world, alpha):
    await alpha.add("beta", {0: "10.0.0.2"})
    with pytest.raises(Busy, match="beta is joining right now"):
        await alpha.add("gamma", {0: "10.0.0.3"})


async def test_of_several_at_once_exactly_one_is_added(world, alpha):
    asked = (alpha.add(f"node{number}", {0: f"10.0.0.{number}"}) for number in range(20, 25))
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(not isinstance(result, QuireError) for result in results) == 1
    assert len(document(world).nodes()) == 2 == document(world).config_version


async def test_the_same_node_may_ask_again_before_it_was_online_with_a_new_token(world, alpha):
    first = await alpha.add("beta", {0: "10.0.0.2"})
    second = await alpha.add("beta", {0: "10.0.0.22"}, votes=2)
    assert document(world).node("beta") == Node("beta", 2, 2, (Link(0, "10.0.0.22"),))
    with pytest.raises(Forbidden):
        await alpha.withdraw("beta", first.undo_token)
    await alpha.withdraw("beta", second.undo_token)
    assert document(world).node("beta") is None


async def test_somebody_else_s_change_in_between_is_a_conflict_and_leaves_nothing_pending(world, alpha):
    world.alpha.fail["write_configuration"] = Conflict("corosync.conf was changed meanwhile.")
    with pytest.raises(Conflict, match="changed meanwhile"):
        await alpha.add("beta", {0: "10.0.0.2"})
    assert alpha.pending == ()


async def test_an_unknown_outcome_stays_pending_until_it_is_settled(world, alpha):
    world.alpha.fail_after["write_configuration"] = OutcomeUnknown("Nobody answered in time.", "r1")
    with pytest.raises(OutcomeUnknown):
        await alpha.add("beta", {0: "10.0.0.2"})
    world.alpha.fail_after.clear()
    assert alpha.pending == ("beta",) and document(world).node("beta") is not None
    world.clock.now_s += 241
    await alpha.check()
    assert alpha.pending == () and document(world).node("beta") is None


@pytest.mark.parametrize("when", ["fail", "fail_after"])
async def test_killed_while_adding_nothing_is_left_after_the_deadline(world, alpha, when):
    before = world.without_version(world.alpha)
    getattr(world.alpha, when)["write_configuration"] = Killed()
    assert await world.killed(alpha.add("beta", {0: "10.0.0.2"}))
    await world.restart(world.alpha)
    world.clock.now_s += 241
    again = world.additions["alpha"]
    await again.check()
    assert world.without_version(world.alpha) == before and again.pending == ()
