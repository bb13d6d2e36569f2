"""Removing a node and leaving, from the page: the plan first, a name typed to confirm, and the way back."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.control import former_requests as former
from cluster.control import requests as ask
from cluster.control import token_requests as joining
from cluster.errors import Conflict
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import ROOT, FakeDaemon

REMOVE, LEAVE = "/datacenter/cluster/nodes/beta/remove", "/datacenter/cluster/leave"
UNDO_JOIN = "/datacenter/cluster/undo-join"
GAMMA: dict[str, Any] = {"node": "gamma", "node_id": 3, "time_s": 5, "user": ROOT, "left": False, "undo_until_s": 9}


async def test_the_plan_is_shown_before_anything_happens(visitor: Visitor, daemon: FakeDaemon) -> None:
    dialog = text(await visitor.htmx(REMOVE))
    for shown in ("Remove beta", "3 of 3", "storage.cfg", "The others stay.", "Remove it."):
        assert shown in dialog
    assert not [one for one in daemon.asked if isinstance(one, ask.RemoveNode)]


async def test_a_removal_wants_the_node_s_name(visitor: Visitor, daemon: FakeDaemon) -> None:
    refused = await visitor.post(REMOVE, {"confirm": "alpha"})
    assert refused.status_code == 422 and "Type the node&#x27;s name, beta" in text(refused)
    begun = await visitor.post(REMOVE, {"confirm": "beta"})
    assert daemon.last(ask.RemoveNode) == ask.RemoveNode("beta", task=True, user=ROOT)
    assert "Remove Node" in text(begun) and begun["HX-Retarget"] == "#dialog-slot"


async def test_what_stands_in_the_way_is_said_and_the_button_is_off(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.obstacle = "Without beta the cluster would have no quorum."
    dialog = text(await visitor.htmx(REMOVE))
    assert daemon.obstacle in dialog and "disabled" in dialog.split('type="submit"')[1].split(">")[0]


async def test_a_join_token_is_shown_once_as_text_command_code_and_cloud_init(
    visitor: Visitor, daemon: FakeDaemon
) -> None:
    place = "/datacenter/cluster/tokens"
    assert "Make join token" in text(await visitor.htmx(place))
    made = text(await visitor.post(place, {"name": "rack 4", "uses": "2", "hours": "1.5"}))
    assert daemon.last(joining.TokenCreate) == joining.TokenCreate("rack 4", 2, 1.5, ROOT)
    for shown in ("pvecm join QUJD", "#cloud-config", "may add 2 nodes", "QR code", '<path d="M4 4h7v1h-7z'):
        assert shown in made
    listed = text(await visitor.htmx(place))
    assert "rack 4" in listed and "QUJD" not in listed
    assert "Uses and hours are numbers." in text(await visitor.post(place, {"name": "x", "uses": "many"}))
    assert "Revoke<" not in text(await visitor.post(f"{place}/revoke", {"name": "rack 4"}))


async def test_leaving_is_confirmed_by_the_own_name(visitor: Visitor, daemon: FakeDaemon) -> None:
    dialog = text(await visitor.htmx(LEAVE))
    assert "Leave the cluster" in dialog and "storage.cfg" in dialog and "nothing is archived" not in dialog
    assert (await visitor.post(LEAVE, {"confirm": "beta"})).status_code == 422
    await visitor.post(LEAVE, {"confirm": "alpha"})
    assert daemon.last(ask.LeaveCluster) == ask.LeaveCluster(force=False, user=ROOT)


async def test_leaving_without_the_cluster_says_who_is_alive_and_wants_a_second_yes(
    visitor: Visitor, daemon: FakeDaemon
) -> None:
    daemon.obstacle = "beta answers at 10.0.0.2."
    dialog = text(await visitor.htmx(LEAVE))
    assert daemon.obstacle in dialog and "even if another one is alive" in dialog
    assert "nothing is archived or taken out" in dialog and "storage.cfg" not in dialog
    await visitor.post(LEAVE, {"confirm": "alpha", "force": "1", "even-if-alive": "1"})
    assert daemon.last(ask.LeaveCluster) == ask.LeaveCluster(force=True, even_if_alive=True, user=ROOT)


async def test_a_node_that_was_taken_out_may_leave_without_a_plan(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.refusals[ask.RemovalPlan] = Conflict("alpha is gone already.")
    assert "goes on without alpha already" in text(await visitor.htmx(LEAVE))


@pytest.mark.parametrize("name", ["gamma", "a" * 63])
async def test_those_who_are_gone_are_listed_with_the_way_back(name: str, visitor: Visitor, daemon: FakeDaemon) -> None:
    assert "Former Nodes" not in text(await visitor.htmx("/datacenter/cluster/gone"))
    daemon.removed = [GAMMA | {"node": name}, GAMMA | {"node": "delta", "left": True, "undo_until_s": 0}]
    page = text(await visitor.htmx("/datacenter/cluster/gone"))
    assert page.count("Undo removal") == 1 and "left" in page
    undone = text(await visitor.post(f"/datacenter/cluster/gone/{name}/undo", {}))
    assert f"{name} is a member again" in undone and "jobs.cfg was changed since." in undone
    daemon.refusals[ask.UndoRemoval] = Conflict("It was removed more than a day ago.")
    assert "more than a day ago" in text(await visitor.post(f"/datacenter/cluster/gone/{name}/undo", {}))


async def test_what_this_node_was_is_listed_and_a_join_of_the_last_day_can_be_undone(
    visitor: Visitor, daemon: FakeDaemon
) -> None:
    assert "Copies of This Node" not in text(await visitor.htmx("/datacenter/cluster/gone"))
    joined = {"cluster": "demo", "time_s": 5, "backup": "store-5.db", "undo_until_s": 86405}
    copies = [{"name": name, "time_s": 5, "size": 4096} for name in ("store-9.db", "store-5.db")]
    daemon.former = {"joined": joined, "copies": copies}
    page = text(await visitor.htmx("/datacenter/cluster/gone"))
    assert page.count("Undo the join") == 1 and "from before it joined demo" in page and "4.0" in page
    assert "leaves demo and is again what it was" in text(await visitor.htmx(UNDO_JOIN))
    assert (await visitor.post(UNDO_JOIN, {"confirm": "beta"})).status_code == 422
    assert (await visitor.post(UNDO_JOIN, {"confirm": "alpha"})).status_code == 200
    assert daemon.last(former.UndoJoin) == former.UndoJoin(user="root@pam")
