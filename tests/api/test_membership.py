"""Creating, joining and adding over the API: values arrive at the daemon as meant, and nothing malformed gets there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cluster.control.former_requests import UndoJoin
from cluster.control.requests import (
    AddNode,
    CreateCluster,
    DecodeInvitation,
    JoinCluster,
    JoinInfo,
    LeaveCluster,
    RemovalPlan,
    RemoveNode,
    UndoAddNode,
    UndoRemoval,
)
from cluster.errors import Conflict, InvalidInput, QuireError
from cluster.secret import Secret
from tests.api.conftest import Api, body, data
from tests.api.fake_node import ALONE, CONFIGURED, FINGERPRINT, TOTEM, UPID, FakeNode
from tests.cast import ALICE

JOIN = {"hostname": "10.0.0.1", "fingerprint": FINGERPRINT, "password": "secret"}


async def test_creating_answers_with_a_task(api: Api, node: FakeNode) -> None:
    upid = data(
        await api.post("/cluster/config", clustername="demo", link0="10.0.0.1,priority=20", nodeid="3", votes=1)
    )
    asked = node.last(CreateCluster)
    assert upid == UPID
    assert (asked.clustername, asked.links, asked.nodeid, asked.votes) == ("demo", {0: "10.0.0.1,priority=20"}, 3, 1)
    assert (asked.token_coefficient, asked.user) == (125, "root@pam")


async def test_parameters_may_be_json(api: Api, node: FakeNode) -> None:
    response = await api.client.post(
        "/api2/json/cluster/config",
        json.dumps({"clustername": "demo", "nodeid": 3, "token-coefficient": 650, "link7": "fe80::1", "votes": None}),
        content_type="application/json",
        headers=api.headers,
    )
    assert data(response) == UPID
    asked = node.last(CreateCluster)
    assert (asked.nodeid, asked.token_coefficient, asked.links, asked.votes) == (3, 650, {7: "fe80::1"}, None)


async def test_joining_hands_everything_to_the_daemon(api: Api, node: FakeNode) -> None:
    params = JOIN | {
        "fingerprint": FINGERPRINT.lower(),
        "link1": "address=10.1.0.2,priority=9",
        "force": "1",
        "votes": "0",
    }
    assert data(await api.post("/cluster/config/join", **params)) == UPID
    asked = node.last(JoinCluster)
    assert (asked.hostname, asked.fingerprint, asked.password) == ("10.0.0.1", FINGERPRINT, Secret("secret"))
    assert (asked.links, asked.force, asked.votes) == ({1: "10.1.0.2,priority=9"}, True, 0)


async def test_joining_by_join_information_takes_its_token_for_a_password(api: Api, node: FakeNode) -> None:
    node.invitation |= {"token": "t0k", "cluster_uuid": "c1u5"}
    asked = {"invitation": "QUJD", "link1": "10.1.0.2", "import": "1"}
    assert data(await api.post("/cluster/config/join/token", **asked)) == UPID
    assert node.last(DecodeInvitation).text == "QUJD"
    assert node.last(JoinCluster) == JoinCluster(
        "10.0.0.1", FINGERPRINT, links={1: "10.1.0.2"}, token=Secret("t0k"), cluster_uuid="c1u5", brings=True
    )


async def test_join_information_without_a_token_is_refused_at_its_field(api: Api, node: FakeNode) -> None:
    response = await api.post("/cluster/config/join/token", invitation="QUJD")
    assert response.status_code == 400 and "no join token in it" in body(response)["errors"]["invitation"]
    assert node.count(JoinCluster) == 0


async def test_adding_returns_the_key_byte_for_byte(api: Api, node: FakeNode) -> None:
    response = await api.post("/cluster/config/nodes/gamma", new_node_ip="10.0.0.3", apiversion="1", force="0")
    got = data(response)
    assert got["corosync_authkey"].encode("latin-1") == bytes(range(256))
    assert got["corosync_conf"] == "totem {\n}\n" and got["undo_token"] == "t0k"
    asked = node.last(AddNode)
    assert (asked.node, asked.new_node_ip, asked.apiversion, asked.force) == ("gamma", "10.0.0.3", 1, False)
    assert "no-transform" in response.headers["Cache-Control"]


async def test_taking_back_an_addition_needs_its_token_and_no_ticket(stranger: Api, node: FakeNode) -> None:
    assert data(await stranger.post("/cluster/config/nodes/gamma/undo", undo_token="t0k")) is None
    asked = node.last(UndoAddNode)
    assert (asked.node, asked.undo_token) == ("gamma", Secret("t0k"))
    assert (await stranger.post("/cluster/config/nodes/gamma/undo")).status_code == 400


async def test_join_information_and_configuration_keep_their_strings(api: Api, node: FakeNode) -> None:
    info = data(await api.get("/cluster/config/join", node="alpha"))
    assert node.last(JoinInfo).node == "alpha"
    assert info["totem"]["config_version"] == "3" and info["nodelist"][0]["pve_fp"] == FINGERPRINT
    assert data(await api.get("/cluster/config/nodes")) == CONFIGURED
    assert data(await api.get("/cluster/config/totem")) == TOTEM
    assert data(await api.get("/cluster/config/apiversion")) == 1


async def test_a_stand_alone_node_says_so_with_424(api: Api, node: FakeNode) -> None:
    node.cluster = ALONE
    response = await api.get("/cluster/config/join")
    assert response.status_code == 424
    assert "node is not in a cluster" in response.headers["X-Quire-Reason"].lower()
    assert data(await api.get("/cluster/config/nodes")) == []
    assert data(await api.get("/cluster/config/totem")) is None


NAMES = [
    "", "-a", "a-", "a_b", "a.b", "a b", "../x", "a/b", ".", "demo\n", "demo\n}\nquorum {", "d\u00e9mo", "\u0430lpha",
    "al\u200bpha", "alpha\u202e", "\uff41lpha", "$(id)", "a" * 16,
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_a_cluster_s_name_is_matched_in_full(name: str, api: Api, node: FakeNode) -> None:
    response = await api.post("/cluster/config", clustername=name)
    assert response.status_code == 400
    assert list(body(response)["errors"]) == ["clustername"]
    assert response.headers["X-Quire-Reason"] == "Parameter verification failed."
    assert node.count(CreateCluster) == 0


@pytest.mark.parametrize("name", ["-a", "a_b", "a" * 64, "%0a", "al%e2%80%8bpha", "a%2e.b"])
async def test_a_node_s_name_is_matched_in_full(name: str, api: Api, node: FakeNode) -> None:
    response = await api.post(f"/cluster/config/nodes/{name}", new_node_ip="10.0.0.3")
    assert response.status_code in (400, 501)
    assert node.count(AddNode) == 0


LINKS = [
    "", "10.0.0.256", "10.0.0", "10.0.0.1\n", "10.0.0.1;x", "$(id)", "fe80::1%eth0", "10.0.0.1,priority=256",
    "10.0.0.1,priority=-1", "10.0.0.1,priority=\u0661", "10.0.0.1,10.0.0.2", "priority=1", "10.0.0.1,foo=1",
    "10.0.0.1,priority=1,priority=2", "address=", "a" * 64 + ".example", "x" * 301, "ring0_addr: 1", "{}",
]  # fmt: skip


@pytest.mark.parametrize("link", LINKS)
async def test_a_link_is_an_address_and_perhaps_a_priority(link: str, api: Api, node: FakeNode) -> None:
    response = await api.post("/cluster/config", clustername="demo", link0=link)
    assert response.status_code == 400
    assert list(body(response)["errors"]) == ["link0"]
    assert node.count(CreateCluster) == 0


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("join", JOIN | {"fingerprint": FINGERPRINT[:-1]}, "fingerprint"),
    ("join", JOIN | {"fingerprint": FINGERPRINT + "\n"}, "fingerprint"),
    ("join", JOIN | {"fingerprint": FINGERPRINT.replace("A", "G")}, "fingerprint"),
    ("join", JOIN | {"password": "p" * 129}, "password"),
    ("join", JOIN | {"hostname": "https://10.0.0.1"}, "hostname"),
    ("join", JOIN | {"hostname": "user@host"}, "hostname"),
    ("join", JOIN | {"hostname": "10.0.0.1#"}, "hostname"),
    ("join", JOIN | {"hostname": "10.0.0.1:8006"}, "hostname"),
    ("join", JOIN | {"force": "2"}, "force"),
    ("join", JOIN | {"force": "yes"}, "force"),
    ("join", JOIN | {"votes": "-1"}, "votes"),
    ("join", JOIN | {"link8": "10.0.0.1"}, "link8"),
    ("nodes/gamma", {"new_node_ip": "gamma.example"}, "new_node_ip"),
    ("nodes/gamma", {"new_node_ip": "10.0.0.1%1"}, "new_node_ip"),
    ("nodes/gamma", {"apiversion": "one"}, "apiversion"),
    ("nodes/gamma", {"nodeid": "0"}, "nodeid"),
    ("nodes/gamma", {"nodeid": "1e3"}, "nodeid"),
    ("nodes/gamma", {"nodeid": "null"}, "nodeid"),
    ("nodes/gamma", {"node": "delta"}, "node"),
    ("nodes/gamma/undo", {"undo_token": "a b"}, "undo_token"),
]


@pytest.mark.parametrize(("path", "params", "field"), WRONG)
async def test_every_parameter_is_checked_at_the_door(
    path: str, params: dict[str, Any], field: str, api: Api, node: FakeNode
) -> None:
    response = await api.post(f"/cluster/config/{path}", **params)
    assert response.status_code == 400
    assert list(body(response)["errors"]) == [field]
    assert node.count(JoinCluster) + node.count(AddNode) + node.count(UndoAddNode) == 0


async def test_all_that_is_wrong_is_said_at_once(api: Api) -> None:
    response = await api.post("/cluster/config", nodeid="x", link0="?", colour="blue")
    assert set(body(response)["errors"]) == {"clustername", "nodeid", "link0", "colour"}


async def test_what_the_daemon_finds_wrong_comes_back_at_its_field(api: Api, node: FakeNode) -> None:
    node.refusals[CreateCluster] = InvalidInput(
        "The link is wrong.", fields={"link0": "10.0.0.9 is not an address here"}
    )
    response = await api.post("/cluster/config", clustername="demo", link0="10.0.0.9")
    assert response.status_code == 400
    assert body(response)["errors"] == {"link0": "10.0.0.9 is not an address here"}


async def test_findings_of_the_verification_travel_with_a_plain_failure(api: Api, node: FakeNode) -> None:
    found = {"error0": "two nodes share an address", "warning0": "a name does not resolve"}
    node.refusals[AddNode] = QuireError("invalid corosync.conf", fields=found)
    response = await api.post("/cluster/config/nodes/gamma", new_node_ip="10.0.0.3")
    assert (response.status_code, response.headers["X-Quire-Reason"]) == (500, "invalid corosync.conf")
    assert body(response)["errors"] == found


async def test_leaving_answers_with_a_task(api: Api, node: FakeNode) -> None:
    assert data(await api.post("/cluster/config/leave", force="1")) == UPID
    assert node.last(LeaveCluster) == LeaveCluster(force=True, user="root@pam")


async def test_removing_a_node_answers_with_null(api: Api, node: FakeNode) -> None:
    assert data(await api.delete("/cluster/config/nodes/beta")) is None
    assert node.last(RemoveNode) == RemoveNode(node="beta", user="root@pam")


async def test_a_removal_as_a_task_and_its_undoing(api: Api, node: FakeNode) -> None:
    assert data(await api.post("/cluster/config/nodes/beta/removal")) == UPID
    assert node.last(RemoveNode) == RemoveNode(node="beta", task=True, user="root@pam")
    assert data(await api.get("/cluster/config/removed"))[0]["node"] == "gamma"
    assert data(await api.post("/cluster/config/removed/gamma/undo")) == ["jobs.cfg was changed since."]
    assert node.last(UndoRemoval) == UndoRemoval(node="gamma", user="root@pam")


async def test_a_join_can_be_undone_and_the_copies_of_the_own_store_are_listed(api: Api, node: FakeNode) -> None:
    told = data(await api.get("/cluster/config/undo-join"))
    assert told == {"joined": None, "copies": [{"name": "store-5.db", "time_s": 5, "size": 4096}]}
    assert data(await api.post("/cluster/config/undo-join", force=1)) == UPID
    assert node.last(UndoJoin) == UndoJoin(force=True, user="root@pam")


async def test_a_removal_that_is_refused_says_why(api: Api, node: FakeNode) -> None:
    node.refusals[RemoveNode] = Conflict("alpha is the node you are asking.")
    assert (await api.delete("/cluster/config/nodes/alpha")).status_code == 500  # as Proxmox VE answers


async def test_what_a_removal_would_mean_can_be_asked(api: Api, node: FakeNode) -> None:
    assert data(await api.get("/cluster/config/nodes/beta/removal"))["node"] == "beta"
    assert node.last(RemovalPlan) == RemovalPlan(node="beta")


async def test_only_root_leaves_or_removes(api: Api, node: FakeNode) -> None:
    api.sign_in(ALICE)
    assert (await api.post("/cluster/config/leave")).status_code == 403
    assert (await api.delete("/cluster/config/nodes/beta")).status_code == 403
    assert node.count(LeaveCluster) + node.count(RemoveNode) == 0
