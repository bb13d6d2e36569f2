"""Joining a cluster, and every way in which it may fail on either side."""

import asyncio

import pytest

from cluster.corosync import conf
from cluster.errors import InvalidInput, Unavailable
from cluster.secret import Secret
from cluster.workflow.fake_host import Killed
from cluster.workflow.join import join
from cluster.workflow.join_plan import plan_join
from tests.workflow.world import FINGERPRINTS, PASSWORD, Story

# The joiner's methods, in the order a join first uses them, up to the point from which it is complete.
JOINERS = [
    "configured_cluster",
    "engine_status",
    "read_local_key",
    "read_local_configuration",
    "store_paths",
    "store_is_pristine",
    "resolve",
    "local_addresses",
    "check_configuration",
    "backup_store",
    "install_configuration",
    "adopt_cluster",
    "start_engine",
    "store_state",
]
# The member's methods that adding a node uses.
MEMBERS = [
    "online_nodes",
    "store_state",
    "store_read",
    "check_configuration",
    "read_local_key",
    "write_configuration",
    "cluster_uuid",
]


@pytest.fixture
async def created(world):
    """alpha has created a cluster; what both sides look like before beta joins."""
    await world.create(world.alpha)
    world.before = world.without_version(world.alpha), world.beta.disk.snapshot()
    return world


def unchanged(world) -> bool:
    return (world.without_version(world.alpha), world.beta.disk.snapshot()) == world.before


def names_listed(host):
    return [node.name for node in conf.parse(host.disk.store.files["corosync.conf"]).nodes()]


async def test_three_nodes_have_one_configuration_one_key_and_one_store(world):
    await world.three_nodes()
    hosts = world.network.hosts
    assert [names_listed(host) for host in hosts] == [["alpha", "beta", "gamma"]] * 3
    assert len({host.disk.conf for host in hosts}) == len({host.disk.key for host in hosts}) == 1
    assert all(host.disk.store.files == world.alpha.disk.store.files for host in hosts)
    assert conf.parse(world.alpha.disk.conf).config_version == 3
    assert [await host.online_nodes() for host in hosts] == [{"alpha", "beta", "gamma"}] * 3


async def test_the_joiner_s_own_store_is_replaced_and_a_copy_is_kept(created):
    created.beta.disk.store.files["user.cfg"] = b"beta's own"
    story = await created.join(created.beta, created.alpha)
    assert "user.cfg" not in created.beta.disk.store.files
    assert created.beta.disk.backups["store-0"].files["user.cfg"] == b"beta's own"
    assert any("give way" in line for line in story.warnings)


async def test_the_log_tells_the_join_in_plain_words(created):
    story = await created.join(created.beta, created.alpha)
    assert story.lines == [
        "Check this node: OK",
        "Sign in on 10.0.0.1: OK",
        "Compare versions and links: OK, cluster demo of 1 node",
        "Plan what becomes of this node's own configuration: there is none",
        "Ask 10.0.0.1 to add this node: OK",
        "Check what the cluster sent: OK",
        "Make sure that corosync is stopped: OK",
        "Keep a copy of this node's own store: OK, store-0",
        "Write the cluster's key and configuration: OK",
        "Empty the store for the cluster's content: OK",
        "Start corosync: OK",
        "Wait for quorum: OK",
        "Receive the cluster's store: OK",
        "Bring this node's own configuration along: nothing to do",
        f"Issue this node's certificate: OK, fingerprint {':'.join(['AB'] * 32)}",
        "Tidy up: OK",
        "beta is now a member of the cluster.",
    ]


async def test_no_secret_is_in_the_log_the_journal_or_a_plan_s_text(created):
    journal = created.folder / "beta" / "workflow.json"
    seen = []

    def peek(path, answer):
        seen.append(journal.read_bytes())
        return answer

    created.before_answer = peek
    story = await created.join(created.beta, created.alpha)
    key = created.alpha.disk.key
    plan = plan_join(created.gamma, "10.0.0.1", FINGERPRINTS["10.0.0.1"], Secret(PASSWORD))
    everything = story.text + repr(plan) + "".join(data.decode() for data in seen)
    assert PASSWORD not in everything and key.decode("latin-1")[:16] not in everything
    assert "undo_token" not in story.text


async def test_several_links_need_an_address_each(world):
    for host, second in ((world.alpha, "10.1.0.1"), (world.beta, "10.1.0.2")):
        host.addresses[second] = "eth1"
    await world.create(world.alpha, links={0: "10.0.0.1", 1: "10.1.0.1"})
    sentence = await world.failed(world.join(world.beta, world.alpha))
    assert "uses the links 0, 1: give an address for each" in sentence
    await world.join(world.beta, world.alpha, links={0: "10.0.0.2", 1: "10.1.0.2"}, nodeid=9, votes=3)
    beta = conf.parse(world.alpha.disk.conf).node("beta")
    assert ([link.address for link in beta.links], beta.node_id, beta.votes) == (["10.0.0.2", "10.1.0.2"], 9, 3)


# --- refused before anything happens ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"fingerprint": "AB:CD"}, "fingerprint"),
        ({"password": ""}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"links": {0: "127.0.0.1"}}, "link0"),
        ({"links": {0: "10.0.0.2%eth0"}}, "link0"),
        ({"nodeid": 0}, "nodeid"),
        ({"votes": -1}, "votes"),
    ],
)
async def test_malformed_wishes_are_refused_at_the_door(created, wishes, field):
    with pytest.raises(InvalidInput) as caught:
        await created.join(created.beta, created.alpha, **wishes)
    assert field in caught.value.fields and unchanged(created) and created.peer_calls == []


async def test_a_wrong_fingerprint_ends_it_before_the_password_is_sent(created):
    wrong = FINGERPRINTS["10.0.0.1"][:-1] + "F"
    sentence = await created.failed(created.join(created.beta, created.alpha, fingerprint=wrong))
    assert "another certificate" in sentence and unchanged(created)
    assert [path for _, path, _ in created.peer_calls] == ["/access/ticket"]  # met, not asked


async def test_a_wrong_password_ends_it(created):
    sentence = await created.failed(created.join(created.beta, created.alpha, password="wrong"))
    assert "Sign in on 10.0.0.1 failed: The user name or the password is not right." in sentence
    assert "as it was before" in sentence and unchanged(created)


async def test_a_peer_that_is_not_there_ends_it(created):
    created.unreachable.add("alpha")
    sentence = await created.failed(created.join(created.beta, created.alpha))
    assert "cannot be reached" in sentence and unchanged(created)


async def test_a_peer_that_is_stand_alone_is_told_apart(world):
    sentence = await world.failed(world.join(world.beta, world.gamma))
    assert "10.0.0.3 is not in a cluster. Create one there first." in sentence


async def test_a_name_already_taken_ends_it(created):
    await created.join(created.beta, created.alpha)
    before = created.without_version(created.alpha), created.gamma.disk.snapshot()
    created.gamma.name = "beta"
    sentence = await created.failed(created.join(created.gamma, created.alpha))
    assert "A node named beta is part of the cluster and online" in sentence
    created.gamma.name = "gamma"
    assert (created.without_version(created.alpha), created.gamma.disk.snapshot()) == before


async def test_an_address_already_used_ends_it(created):
    await created.join(created.beta, created.alpha)
    before = created.without_version(created.alpha), created.gamma.disk.snapshot()
    created.gamma.addresses["10.0.0.2"] = "eth0"
    sentence = await created.failed(created.join(created.gamma, created.alpha, links={0: "10.0.0.2"}))
    assert "10.0.0.2 is already the address of beta" in sentence
    assert (created.without_version(created.alpha), created.gamma.disk.snapshot()) == before


async def test_a_member_with_guests_key_and_running_corosync_hears_all_of_it(created):
    created.beta.disk.key = b"k" * 256
    created.beta.engine_runs = True
    created.beta.disk.store.files["nodes/beta/qemu-server/100.conf"] = b"name: x"
    story = Story()
    sentence = await created.failed(created.join(created.beta, created.alpha, story))
    assert "2 more above" in sentence and created.peer_calls == []
    for words in ("corosync already runs", "already has a corosync key", "has guests (100)", "they get another"):
        assert any(line.startswith("* ") and words in line for line in story.lines), words


async def test_force_turns_what_is_in_the_way_into_warnings_and_puts_it_back_on_failure(created):
    created.beta.disk.key, created.beta.disk.conf = b"k" * 256, b"totem { }"
    before = created.beta.disk.snapshot()
    created.beta.fail["store_state"] = Unavailable("no view")
    await created.failed(created.join(created.beta, created.alpha, force=True))
    assert created.beta.disk.snapshot() == before
    created.beta.fail.clear()
    story = await created.join(created.beta, created.alpha, force=True)
    assert len(story.warnings) == 2 and names_listed(created.beta) == ["alpha", "beta"]


@pytest.mark.parametrize(
    ("address", "resolved", "words"),
    [("gone.example", (), "cannot be resolved"), ("self.example", ("127.0.0.1",), "loopback")],
)
async def test_force_does_not_make_an_impossible_address_possible(created, address, resolved, words):
    created.beta.resolves[address] = resolved
    sentence = await created.failed(created.join(created.beta, created.alpha, links={0: address}, force=True))
    assert words in sentence and unchanged(created)


async def test_a_member_of_a_cluster_joins_another_only_with_force_and_returns_to_it_on_failure(created):
    await created.create(created.gamma, clustername="other")
    before = created.gamma.disk.snapshot()
    assert "in the cluster other already" in await created.failed(created.join(created.gamma, created.alpha))
    created.gamma.never_synchronises = True
    await created.failed(created.join(created.gamma, created.alpha, force=True))
    assert created.gamma.disk.snapshot() == before and created.gamma.engine_runs
    assert names_listed(created.alpha) == ["alpha"]


# --- what the peer sends is a stranger's word -------------------------------------------------------------------------


def replaced(field, change):
    def lie(path, answer):
        if path == "/cluster/config/nodes/beta":
            answer[field] = change(answer[field])
        return answer

    return lie


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (replaced("corosync_conf", lambda text: text.replace("10.0.0.2", "10.0.0.66")), "other addresses"),
        (replaced("corosync_conf", lambda text: text.replace("name: alpha", "name: mallory")), "other nodes"),
        (replaced("corosync_conf", lambda text: text.replace("demo", "evil")), "another cluster"),
        (replaced("corosync_conf", lambda text: text.replace("secauth: on", "secauth: off")), "not encrypted"),
        (
            replaced("corosync_conf", lambda text: text.replace("secauth", "crypto_cipher: none\n secauth")),
            "not encrypted",
        ),
        (replaced("corosync_conf", lambda text: text + "}"), "cannot be read"),
        (replaced("corosync_conf", lambda _: 5), "no configuration"),
        (replaced("corosync_authkey", lambda key: key[:64]), "64 bytes"),
        (replaced("corosync_authkey", lambda key: key * 17), "no key's length"),
        (replaced("corosync_authkey", lambda _: "\u4e00" * 256), "not a key"),
        (replaced("cluster_uuid", lambda _: "not-a-uuid"), "no identity"),
        (replaced("cluster_uuid", lambda _: None), "no identity"),
        (replaced("undo_token", lambda _: "short"), "no means to take the addition back"),
    ],
)
async def test_a_lie_of_the_peer_is_refused_and_leaves_no_trace(created, lie, words):
    created.before_answer = lie
    before = created.beta.disk.snapshot()
    sentence = await created.failed(created.join(created.beta, created.alpha))
    assert words in sentence and created.beta.disk.snapshot() == before
    if "no means" not in words:
        assert unchanged(created)


@pytest.mark.parametrize(
    "lie",
    [
        lambda path, answer: "x" if path == "/cluster/config/join" else answer,
        lambda path, answer: (
            {**answer, "nodelist": [{**answer["nodelist"][0], "pve_fp": FINGERPRINTS["10.0.0.3"]}]}
            if path == "/cluster/config/join"
            else answer
        ),
        lambda path, answer: {**answer, "preferred_node": []} if path == "/cluster/config/join" else answer,
        lambda path, answer: (
            {**answer, "nodelist": answer["nodelist"] * 300} if path == "/cluster/config/join" else answer
        ),
        lambda path, answer: {**answer, "totem": {"cluster_name": "a b"}} if path == "/cluster/config/join" else answer,
        lambda path, answer: {"v": 1} if path.endswith("apiversion") else answer,
        lambda path, answer: [] if path == "/cluster/config/nodes/beta" else answer,
    ],
)
async def test_nonsense_from_the_peer_is_refused_with_a_sentence(created, lie):
    before = created.beta.disk.snapshot()
    created.before_answer = lie
    sentence = await created.failed(created.join(created.beta, created.alpha))
    assert " failed: The peer" in sentence and created.beta.disk.snapshot() == before


# --- failures on the way ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", JOINERS)
async def test_whatever_fails_on_the_joiner_both_sides_are_as_before(created, method):
    created.beta.fail[method] = Unavailable("the disk is full")
    sentence = await created.failed(created.join(created.beta, created.alpha))
    assert "failed: the disk is full. Everything was taken back; this node is as it was before." in sentence
    assert unchanged(created) and not created.beta.engine_runs
    created.beta.fail.clear()
    await created.join(created.beta, created.alpha)


@pytest.mark.parametrize("method", MEMBERS)
async def test_whatever_fails_on_the_member_both_sides_are_as_before(created, method):
    created.alpha.fail[method] = Unavailable("the disk is full")
    sentence = await created.failed(created.join(created.beta, created.alpha))
    assert "the disk is full" in sentence
    created.alpha.fail.clear()
    created.clock.now_s += 1000
    await created.additions["alpha"].check()
    assert unchanged(created)


@pytest.mark.parametrize("when", ["fail", "fail_after"])
@pytest.mark.parametrize("method", JOINERS)
async def test_killed_anywhere_the_next_start_takes_it_back_on_both_sides(created, method, when):
    getattr(created.beta, when)[method] = Killed()
    assert await created.killed(created.join(created.beta, created.alpha))
    resumed = await created.restart(created.beta)
    assert "The daemon ended in the middle of this. Everything was taken back" in resumed.status
    if (method, when) == ("backup_store", "fail_after"):
        created.beta.disk.backups.clear()  # a copy nobody knows of may lie in the folder of copies
    assert unchanged(created) and not created.beta.engine_runs
    await created.join(created.beta, created.alpha)


async def test_killed_before_the_answer_came_the_member_takes_the_addition_back_by_itself(created):
    created.kill_on_answer = "/nodes/beta"
    assert await created.killed(created.join(created.beta, created.alpha))
    resumed = await created.restart(created.beta)
    assert "Whether 10.0.0.1 has added this node is not known" in resumed.status and resumed.lines == ()
    assert names_listed(created.alpha) == ["alpha", "beta"] and created.additions["alpha"].pending == ("beta",)
    created.clock.now_s += 241
    await created.additions["alpha"].check()
    assert unchanged(created) and created.additions["alpha"].pending == ()


async def test_killed_before_the_answer_came_the_same_node_may_simply_try_again(created):
    created.kill_on_answer = "/nodes/beta"
    assert await created.killed(created.join(created.beta, created.alpha))
    await created.restart(created.beta)
    created.kill_on_answer = ""
    await created.join(created.beta, created.alpha)
    assert names_listed(created.beta) == ["alpha", "beta"]


@pytest.mark.parametrize("method", ["stop_engine", "restore_configuration", "restore_store"])
@pytest.mark.parametrize("when", ["fail", "fail_after"])
async def test_killed_while_taking_back_the_next_start_finishes_it(created, method, when):
    created.beta.never_synchronises = True
    getattr(created.beta, when)[method] = Killed()
    assert await created.killed(created.join(created.beta, created.alpha))
    created.beta.never_synchronises = False
    await created.restart(created.beta)
    assert unchanged(created) and not created.beta.engine_runs


@pytest.mark.parametrize("method", ["refresh_certificate", "settle"])
@pytest.mark.parametrize("when", ["fail", "fail_after"])
async def test_killed_when_the_join_was_complete_it_stays_complete(created, method, when):
    getattr(created.beta, when)[method] = Killed()
    assert await created.killed(created.join(created.beta, created.alpha))
    resumed = await created.restart(created.beta)
    assert resumed.status == "OK" and created.beta.settled >= 1
    assert names_listed(created.beta) == ["alpha", "beta"] and created.beta.engine_runs
    assert created.journal(created.beta).read() is None


async def test_the_member_killed_in_the_middle_knows_of_the_addition_after_its_restart(created):
    created.kill_on_answer = "/nodes/beta"
    assert await created.killed(created.join(created.beta, created.alpha))
    await created.restart(created.alpha)
    assert created.additions["alpha"].pending == ("beta",)
    created.clock.now_s += 241
    await created.additions["alpha"].check()
    assert unchanged(created)


async def test_a_network_that_loses_the_links_ends_it_with_the_reason_and_advice(created):
    created.network.cut.add(frozenset(("alpha", "beta")))
    story = Story()
    sentence = await created.failed(created.join(created.beta, created.alpha, story))
    assert "waited 90 s for quorum: no answer from 10.0.0.1 on link 0 yet" in sentence
    assert "UDP ports 5405 to 5412" in sentence and "Everything was taken back" in sentence
    assert "Waiting for quorum: no answer from 10.0.0.1 on link 0 yet" in story.lines
    assert unchanged(created)


async def test_a_store_that_is_never_filled_ends_it_with_the_reason(created):
    created.beta.never_synchronises = True
    sentence = await created.failed(created.join(created.beta, created.alpha))
    assert "waited 120 s for the store: this node has not received" in sentence and unchanged(created)


async def test_a_peer_that_vanishes_is_told_again_at_the_next_start(created):
    created.beta.fail["start_engine"] = Unavailable("corosync did not start")
    real = created.beta.adopt_cluster

    async def peer_vanishes(uuid):
        await real(uuid)
        created.unreachable.add("alpha")

    object.__setattr__(created.beta, "adopt_cluster", peer_vanishes)
    sentence = await created.failed(created.join(created.beta, created.alpha))
    assert "This node is as it was before. The peer may still list beta" in sentence
    assert created.beta.disk.snapshot() == created.before[1] and not unchanged(created)
    assert (await created.restart(created.beta)).lines[0].startswith("Take the addition back on the peer: failed")
    created.unreachable.clear()
    await created.restart(created.beta)
    assert unchanged(created) and await created.restart(created.beta) is None


async def test_a_remainder_elsewhere_does_not_forbid_to_try_again(created):
    created.beta.fail["adopt_cluster"] = Unavailable("no")
    real = created.beta.backup_store

    async def peer_vanishes():
        created.unreachable.add("alpha")
        return await real()

    object.__setattr__(created.beta, "backup_store", peer_vanishes)
    await created.failed(created.join(created.beta, created.alpha))
    created.unreachable.clear()
    created.beta.fail.clear()
    object.__setattr__(created.beta, "backup_store", real)
    await created.join(created.beta, created.alpha)
    assert names_listed(created.alpha) == ["alpha", "beta"] and await created.restart(created.beta) is None


async def test_a_certificate_that_cannot_be_issued_is_only_a_warning(created):
    created.beta.fail["refresh_certificate"] = Unavailable("the authority ends soon")
    story = await created.join(created.beta, created.alpha)
    assert story.warnings == [
        "Issue this node's certificate failed: the authority ends soon. "
        "The daemon issues it when it can; the join itself is complete."
    ]
    assert names_listed(created.beta) == ["alpha", "beta"]


async def test_stopped_while_the_peer_is_asked_the_addition_is_known_and_taken_back(created):
    reached, created.hold_answer = asyncio.Event(), asyncio.Event()

    def on_its_way(path, answer):
        reached.set()
        return answer

    plan = plan_join(created.beta, "10.0.0.1", FINGERPRINTS["10.0.0.1"], Secret(PASSWORD))
    journal = created.journal(created.beta)
    task = asyncio.create_task(
        join(created.beta, plan, created.peer, created.memory(created.beta), journal, Story(), created.clock)
    )
    created.before_answer = lambda path, answer: on_its_way(path, answer) if "/nodes/" in path else answer
    await reached.wait()
    task.cancel()
    await asyncio.sleep(0)
    created.hold_answer.set()
    sentence = await created.failed(task)
    assert sentence.startswith("Stopped during “Ask 10.0.0.1 to add this node”") and unchanged(created)


async def test_stopped_twice_it_still_takes_everything_back(created):
    waiting, undoing, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()
    real_stop = created.beta.stop_engine

    async def forever():
        waiting.set()
        await asyncio.sleep(60)

    async def slow_stop():
        undoing.set()
        await go_on.wait()
        await real_stop()

    object.__setattr__(created.beta, "start_engine", forever)
    object.__setattr__(created.beta, "stop_engine", slow_stop)
    plan = plan_join(created.beta, "10.0.0.1", FINGERPRINTS["10.0.0.1"], Secret(PASSWORD))
    journal = created.journal(created.beta)
    task = asyncio.create_task(
        join(created.beta, plan, created.peer, created.memory(created.beta), journal, Story(), created.clock)
    )
    await waiting.wait()
    task.cancel()
    await undoing.wait()
    task.cancel()
    await asyncio.sleep(0)
    go_on.set()
    assert "Everything was taken back" in await created.failed(task) and unchanged(created)


async def test_two_joins_at_once_are_told_apart_and_one_comes_through(created):
    results = await asyncio.gather(
        created.join(created.beta, created.alpha),
        created.join(created.gamma, created.alpha),
        return_exceptions=True,
    )
    stories = [result for result in results if isinstance(result, Story)]
    failures = [result for result in results if not isinstance(result, Story)]
    assert stories and all("joining right now" in str(failure) or "Try again" in str(failure) for failure in failures)
    await created.additions["alpha"].check()
    listed = names_listed(created.alpha)
    assert len(listed) == 1 + len(stories)
