"""Creating a cluster, and every way in which it may fail."""

import asyncio

import pytest

from cluster.corosync import conf
from cluster.errors import InvalidInput, Unavailable
from cluster.workflow.create import create, plan_create
from cluster.workflow.fake_host import Killed
from tests.workflow.world import Story

# Every method of the node that creating uses; a test breaks each.
USED = [
    "configured_cluster",
    "engine_status",
    "read_local_configuration",
    "resolve",
    "local_addresses",
    "check_configuration",
    "read_local_key",
    "generate_key",
    "backup_store",
    "install_configuration",
    "found_cluster",
    "start_engine",
    "store_state",
]


async def test_a_created_cluster_has_one_quorate_node_and_keeps_its_files(world):
    before = dict(world.alpha.disk.store.files)
    story = await world.create(world.alpha)
    document = conf.parse(world.alpha.disk.store.files.pop("corosync.conf"))
    assert world.alpha.disk.store.files == before
    assert (document.cluster_name, document.config_version, [n.name for n in document.nodes()]) == (
        "demo",
        1,
        ["alpha"],
    )
    assert document.nodes()[0].links[0].address == "10.0.0.1"
    assert world.alpha.disk.conf == conf.render(document).encode() and len(world.alpha.disk.key) == 256
    assert world.alpha.engine_runs and world.alpha.settled == 1
    assert story.lines[-1] == "The cluster demo is created. alpha is its first node."


async def test_the_log_has_one_line_for_each_step_in_plain_words(world):
    story = await world.create(world.alpha)
    assert story.lines == [
        "Check this node: OK",
        "Make the key and the configuration: OK",
        "Keep a copy of the store: OK",
        "Write the key and the configuration: OK",
        "Make the store the cluster's: OK",
        "Start corosync: OK",
        "Wait for quorum: OK",
        "Tidy up: OK",
        "The cluster demo is created. alpha is its first node.",
    ]
    fractions = [fraction for _, fraction in story.steps]
    assert fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] < 1


async def test_links_priorities_id_and_votes_are_as_wished(world):
    world.alpha.addresses["10.1.0.1"] = "eth1"
    await world.create(
        world.alpha,
        links={0: "10.0.0.1,priority=15", 1: "10.1.0.1,priority=20"},
        nodeid=7,
        votes=2,
        token_coefficient=200,
    )
    node = conf.parse(world.alpha.disk.conf).nodes()[0]
    assert (node.node_id, node.votes) == (7, 2)
    assert [(link.address, link.priority) for link in node.links] == [("10.0.0.1", 15), ("10.1.0.1", 20)]


async def test_a_key_that_is_there_is_used(world):
    world.alpha.disk.key = b"k" * 128
    story = await world.create(world.alpha)
    assert world.alpha.disk.key == b"k" * 128 and "the key that is there is used" in story.text


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"clustername": "demo\n}\nquorum {"}, "clustername"),
        ({"clustername": "x" * 16}, "clustername"),
        ({"links": {0: "127.0.0.1"}}, "link0"),
        ({"links": {9: "10.0.0.1"}}, "link9"),
        ({"links": {0: "10.0.0.1", 1: "10.0.0.1"}}, "link1"),
        ({"nodeid": 0}, "nodeid"),
        ({"votes": 0}, "votes"),
        ({"token_coefficient": -1}, "token-coefficient"),
    ],
)
async def test_malformed_wishes_are_refused_at_the_door(world, wishes, field):
    before = world.alpha.disk.snapshot()
    with pytest.raises(InvalidInput) as caught:
        await world.create(world.alpha, **wishes)
    assert field in caught.value.fields
    assert world.alpha.disk.snapshot() == before and world.alpha.calls == []


async def test_a_name_that_resolves_to_loopback_asks_for_an_address(world):
    world.alpha.address = "127.0.1.1"
    with pytest.raises(InvalidInput) as caught:
        plan_create(world.alpha, "demo", {})
    assert "link0" in caught.value.fields
    world.alpha.engine_name = "loopback"
    assert plan_create(world.alpha, "demo", {}).links[0].address == "127.0.1.1"


async def test_a_node_in_a_cluster_creates_no_second_one(world):
    await world.create(world.alpha)
    before = world.alpha.disk.snapshot()
    sentence = await world.failed(world.create(world.alpha, clustername="second"))
    assert "in the cluster demo already" in sentence
    assert world.alpha.disk.snapshot() == before and world.alpha.engine_runs


async def test_a_foreign_address_and_a_running_corosync_are_both_told(world):
    world.alpha.engine_runs = True
    story = Story()
    sentence = await world.failed(world.create(world.alpha, story, links={0: "10.9.9.9"}))
    assert "corosync already runs" in sentence and "1 more" in sentence
    assert "* Link 0: 10.9.9.9 is not an address of this node." in story.lines
    assert world.alpha.engine_runs, "a corosync that is not ours is not stopped"


async def test_an_older_configuration_is_replaced_with_a_warning_and_put_back_on_failure(world):
    world.alpha.disk.conf = b"# debian's"
    world.alpha.fail["start_engine"] = Unavailable("corosync did not start")
    story = Story()
    await world.failed(world.create(world.alpha, story))
    assert len(story.warnings) == 1 and world.alpha.disk.conf == b"# debian's"


@pytest.mark.parametrize("method", USED)
async def test_whatever_fails_the_node_is_stand_alone_as_before(world, method):
    before = world.alpha.disk.snapshot()
    world.alpha.fail[method] = Unavailable("the disk is full")
    story = Story()
    sentence = await world.failed(world.create(world.alpha, story))
    assert "failed: the disk is full. Everything was taken back; this node is as it was before." in sentence
    assert world.alpha.disk.snapshot() == before and not world.alpha.engine_runs
    assert world.journal(world.alpha).read() is None
    world.alpha.fail.clear()
    await world.create(world.alpha)


async def test_what_happened_although_it_failed_is_taken_back_too(world):
    for method in ("backup_store", "install_configuration", "found_cluster", "start_engine"):
        before = world.alpha.disk.snapshot()
        world.alpha.fail_after = {method: Unavailable("the answer was lost")}
        await world.failed(world.create(world.alpha))
        without_copies = [shot[:-1] for shot in (world.alpha.disk.snapshot(), before)]
        assert without_copies[0] == without_copies[1], method


@pytest.mark.parametrize("when", ["fail", "fail_after"])
@pytest.mark.parametrize("method", USED)
async def test_killed_anywhere_the_next_start_takes_it_back(world, method, when):
    before = world.alpha.disk.snapshot()
    getattr(world.alpha, when)[method] = Killed()
    assert await world.killed(world.create(world.alpha))
    resumed = await world.restart(world.alpha)
    assert resumed is not None and "Everything was taken back" in resumed.status and resumed.upid == Story.upid
    after = world.alpha.disk.snapshot()
    if (method, when) == ("backup_store", "fail_after"):
        after = (*after[:-1], before[-1])  # a copy nobody knows of may lie in the folder of copies
    assert after == before and not world.alpha.engine_runs
    assert await world.restart(world.alpha) is None


@pytest.mark.parametrize("method", ["stop_engine", "restore_configuration", "restore_store"])
@pytest.mark.parametrize("when", ["fail", "fail_after"])
async def test_killed_while_taking_back_the_next_start_finishes_it(world, method, when):
    before = world.alpha.disk.snapshot()
    world.alpha.fail["store_state"] = Unavailable("no view")
    getattr(world.alpha, when)[method] = Killed()
    assert await world.killed(world.create(world.alpha))
    await world.restart(world.alpha)
    assert world.alpha.disk.snapshot() == before and not world.alpha.engine_runs


async def test_killed_when_all_was_done_the_cluster_stays(world):
    world.alpha.fail["settle"] = Killed()
    assert await world.killed(world.create(world.alpha))
    resumed = await world.restart(world.alpha)
    assert resumed.status == "OK" and world.alpha.settled == 1
    assert await world.alpha.configured_cluster() == "demo" and world.alpha.engine_runs
    assert world.journal(world.alpha).read() is None


async def test_quorum_that_does_not_come_ends_with_its_reason(world):
    clock_before = world.clock.now_s
    original = world.alpha.found_cluster

    async def without_voters(uuid, text):
        await original(uuid, text)
        world.alpha.disk.store.voters.clear()

    object.__setattr__(world.alpha, "found_cluster", without_voters)
    story = Story()
    sentence = await world.failed(world.create(world.alpha, story))
    assert "too few votes are present" in sentence and world.clock.now_s - clock_before < 120
    assert any(line.startswith("Waiting for the store: too few votes") for line in story.lines)


async def test_stopped_by_hand_it_is_taken_back_and_says_so(world):
    before = world.alpha.disk.snapshot()
    reached = asyncio.Event()

    async def forever():
        reached.set()
        await asyncio.sleep(60)

    object.__setattr__(world.alpha, "start_engine", forever)
    plan = plan_create(world.alpha, "demo", {})
    story = Story()
    task = asyncio.create_task(create(world.alpha, plan, world.journal(world.alpha), story, world.clock))
    await reached.wait()
    task.cancel()
    sentence = await world.failed(task)
    assert sentence.startswith("Stopped during “Start corosync”. Everything was taken back")
    assert world.alpha.disk.snapshot() == before


async def test_a_taking_back_that_fails_is_told_and_tried_again_at_the_next_start(world):
    before = world.alpha.disk.snapshot()
    world.alpha.fail = {"start_engine": Unavailable("no"), "restore_store": Unavailable("the disk is full")}
    sentence = await world.failed(world.create(world.alpha))
    assert "“Put the node's own store back” did not succeed" in sentence and "Everything" not in sentence
    assert "not taken back yet" in await world.failed(world.create(world.alpha))
    await world.restart(world.alpha)
    assert world.alpha.disk.snapshot() == before
