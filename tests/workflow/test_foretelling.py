"""What a workflow would do is told by the workflow itself, and asking changes nothing anywhere."""

from __future__ import annotations

from typing import Any

from cluster.secret import Secret
from cluster.workflow.create import foretell_create, plan_create
from cluster.workflow.foretelling import Foretold
from cluster.workflow.join import foretell_join
from cluster.workflow.join_plan import plan_join
from cluster.workflow.leave import foretell_leave
from tests.workflow.world import FINGERPRINTS, PASSWORD


def everything(world: Any) -> list[Any]:
    hosts = world.network.hosts
    return [*(host.disk.snapshot() for host in hosts), *(world.journal(host).read() for host in hosts)]


async def foretold_join(world: Any, **wishes: Any) -> Foretold:
    wishes = {"fingerprint": FINGERPRINTS[world.alpha.address], "password": PASSWORD} | wishes
    password = Secret(wishes.pop("password"))
    plan = plan_join(world.beta, world.alpha.address, wishes.pop("fingerprint"), password, **wishes)
    return await foretell_join(world.beta, plan, world.peer, "root@pam", world.clock)


async def test_the_plan_of_a_creation_names_the_steps_that_run_and_touches_nothing(world: Any) -> None:
    before = everything(world)
    plan = plan_create(world.alpha, "demo", {})
    told = await foretell_create(world.alpha, plan, "root@pam", world.clock)
    assert everything(world) == before and told.obstacle == ""
    story = await world.create(world.alpha)
    assert [line.partition(":")[0] for line in story.lines[:-1]] == list(told.steps)


async def test_a_creation_that_would_be_refused_says_why(world: Any) -> None:
    world.alpha.disk.key = b"k" * 256
    await world.create(world.alpha)
    told = await foretell_create(world.alpha, plan_create(world.alpha, "more", {}), "root@pam", world.clock)
    assert "is in the cluster demo already" in told.obstacle


async def test_the_plan_of_a_join_asks_the_peer_and_adds_nobody(world: Any) -> None:
    await world.create(world.alpha)
    before = everything(world)
    told = await foretold_join(world)
    assert told.obstacle == "" and "Receive the cluster's store" in told.steps
    assert everything(world) == before
    assert not [path for _, path, _ in world.peer_calls if path.startswith("/cluster/config/nodes/")]


async def test_a_wrong_password_is_found_before_anything_is_done(world: Any) -> None:
    await world.create(world.alpha)
    assert "password" in (await foretold_join(world, password="wrong")).obstacle


async def test_links_that_do_not_fit_the_cluster_are_found_as_well(world: Any) -> None:
    await world.create(world.alpha)
    world.beta.addresses["10.1.0.2"] = "eth1"
    assert "uses the links 0" in (await foretold_join(world, links={0: "10.0.0.2", 1: "10.1.0.2"})).obstacle


async def test_leaving_without_quorum_says_what_force_would_do(world: Any) -> None:
    await world.three_nodes()
    before = everything(world)
    told = await foretell_leave(world.gamma, False, "root@pam", world.clock)
    assert told.obstacle == "" and told.steps[0].startswith("Check whether the cluster can go on")
    assert everything(world) == before
    for host in (world.alpha, world.beta):
        await host.stop_engine()
    alone = await foretell_leave(world.gamma, False, "root@pam", world.clock)
    forced = await foretell_leave(world.gamma, True, "root@pam", world.clock)
    assert "With force this node leaves without asking" in alone.obstacle
    assert forced.obstacle == "" and "The cluster is not asked" in forced.warnings[0]
