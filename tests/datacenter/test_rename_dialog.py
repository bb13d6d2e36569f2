"""Renaming a node or the cluster from the page: the plan as the name is typed, refusals, and the task."""

from __future__ import annotations

from cluster.control.plan_requests import Rename
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import ROOT, FakeDaemon

NODE, CLUSTER = "/datacenter/cluster/nodes/beta/rename", "/datacenter/cluster/rename"


async def test_the_plan_is_shown_while_the_name_is_typed_and_nothing_is_done(
    visitor: Visitor, daemon: FakeDaemon
) -> None:
    assert "Rename beta" in text(await visitor.htmx(NODE)) and "Keys, content" in text(await visitor.htmx(CLUSTER))
    assert "Do cluster.rename" in text(await visitor.htmx(f"{NODE}?name=delta"))
    daemon.obstacle = "beta is offline."
    assert daemon.obstacle in text(await visitor.htmx(f"{NODE}?name=delta"))
    assert not [one for one in daemon.asked if isinstance(one, Rename)]


async def test_a_new_name_is_given_as_a_task(visitor: Visitor, daemon: FakeDaemon) -> None:
    begun = await visitor.post(NODE, {"name": " delta "})
    assert daemon.last(Rename) == Rename("delta", "beta", ROOT) and begun["HX-Retarget"] == "#dialog-slot"
    await visitor.post(CLUSTER, {"name": "bureau"})
    assert daemon.last(Rename) == Rename("bureau", "", ROOT)


async def test_what_stands_in_the_way_is_said_and_nothing_begins(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.obstacle = "beta is offline."
    refused = await visitor.post(NODE, {"name": "delta"})
    assert refused.status_code == 422 and daemon.obstacle in text(refused)
    assert not [one for one in daemon.asked if isinstance(one, Rename)]
