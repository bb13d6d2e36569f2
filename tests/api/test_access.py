"""Signing in over the API, and what a request needs to be believed."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import pytest

from cluster.control.requests import CheckTicket, CreateCluster, Login
from tests.api.conftest import Api, body, data
from tests.api.fake_node import ALONE, CSRF, PASSWORD, ROOT, TICKETS, FakeNode
from tests.cast import ALICE

TICKET = next(iter(TICKETS))


async def test_a_password_buys_a_ticket(stranger: Api, node: FakeNode) -> None:
    response = await stranger.post("/access/ticket", username=ROOT, password=PASSWORD)
    got = data(response)
    assert (got["username"], got["ticket"], got["CSRFPreventionToken"]) == (ROOT, TICKET, CSRF[ROOT])
    assert got["clustername"] == "demo"
    assert got["cap"]["nodes"]["Sys.Audit"] == 1
    assert node.last(Login).address == "127.0.0.1"
    assert "no-transform" in response.headers["Cache-Control"] and "no-store" in response.headers["Cache-Control"]


async def test_the_realm_may_be_given_apart(stranger: Api, node: FakeNode) -> None:
    data(await stranger.post("/access/ticket", username="root", realm="pam", password=PASSWORD))
    assert node.last(Login).username == ROOT


async def test_a_ticket_renews_itself(stranger: Api) -> None:
    assert data(await stranger.post("/access/ticket", username=ROOT, password=TICKET))["ticket"] == TICKET


async def test_a_stand_alone_node_names_no_cluster(stranger: Api, node: FakeNode) -> None:
    node.cluster = ALONE
    assert "clustername" not in data(await stranger.post("/access/ticket", username=ROOT, password=PASSWORD))


@pytest.mark.parametrize("username", [ROOT, "nobody@pam", "root", "x@y@z"])
async def test_t18_every_failed_sign_in_looks_the_same(username: str, stranger: Api) -> None:
    response = await stranger.post("/access/ticket", username=username, password="wrong")
    assert response.status_code == 401
    assert body(response) == {"data": None, "message": "authentication failure\n"}


async def test_a_failed_sign_in_takes_its_time_and_holds_up_nobody(stranger: Api, settings: Any) -> None:
    settings.QUIRE_LOGIN_DELAY_S = 0.4
    began = time.monotonic()
    await stranger.post("/access/ticket", username=ROOT, password="wrong")
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"username": ROOT}, "password"),
        ({"password": PASSWORD}, "username"),
        ({"username": "a" * 65, "password": PASSWORD}, "username"),
        ({"username": ROOT, "password": "p" * 5000}, "password"),
        ({"username": ROOT, "password": PASSWORD, "admin": "1"}, "admin"),
        ({"username": [ROOT, ALICE], "password": PASSWORD}, "username"),
        ({"username": ROOT, "password": PASSWORD, "realm": "p\n"}, "realm"),
    ],
)
async def test_a_malformed_sign_in_names_the_field(params: dict[str, Any], field: str, stranger: Api) -> None:
    response = await stranger.post("/access/ticket", **params)
    assert response.status_code == 400
    assert list(body(response)["errors"]) == [field]
    assert PASSWORD not in response.content.decode()


async def test_looking_at_the_sign_in_is_free(stranger: Api) -> None:
    assert data(await stranger.get("/access/ticket")) is None
    assert data(await stranger.get("/access/domains"))[0]["realm"] == "pam"


@pytest.mark.parametrize("sent", [TICKET, quote(TICKET, safe="")])
async def test_a_ticket_may_come_as_cookie_or_as_header(sent: str, node: FakeNode) -> None:
    by_cookie, by_header = Api(), Api()
    by_cookie.client.cookies["PVEAuthCookie"] = sent
    by_header.headers = {"Authorization": f"PVEAuthCookie={sent}"}
    for api in (by_cookie, by_header):
        assert data(await api.get("/version"))["release"] == "9.2"


@pytest.mark.parametrize(
    "ticket",
    [
        "",
        "x",
        TICKET[:-1],
        TICKET.replace("root", "r00t"),
        "%ff%fe",
        "a" * 5000,
        "PVE:root@pam:%E2%98%83",
        TICKET + "%00",
    ],
)
async def test_a_ticket_that_is_not_right_is_an_empty_401(ticket: str, stranger: Api) -> None:
    stranger.client.cookies["PVEAuthCookie"] = ticket
    response = await stranger.get("/version")
    assert (response.status_code, response.content) == (401, b"")


async def test_a_stale_cookie_does_not_stand_in_the_way_of_signing_in(stranger: Api) -> None:
    stranger.client.cookies["PVEAuthCookie"] = "PVE:root@pam:00000000::old"
    assert data(await stranger.post("/access/ticket", username=ROOT, password=PASSWORD))["username"] == ROOT


async def test_a_ticket_is_asked_about_once_in_a_while_not_at_every_request(api: Api, node: FakeNode) -> None:
    for _ in range(5):
        data(await api.get("/version"))
    assert node.count(CheckTicket) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"CSRFPreventionToken": ""},
        {"CSRFPreventionToken": "6743A1B2:wrong"},
        {"CSRFPreventionToken": CSRF[ALICE]},
        {"CSRFPreventionToken": CSRF[ROOT], "Origin": "https://evil.example"},
        {"CSRFPreventionToken": CSRF[ROOT], "Origin": "null"},
    ],
)
async def test_t31_a_change_needs_the_token_that_belongs_to_the_ticket(
    headers: dict[str, str], api: Api, node: FakeNode
) -> None:
    response = await api.call("POST", "/cluster/config", headers=headers, clustername="demo")
    assert (response.status_code, response.content) == (401, b"")
    assert node.count(CreateCluster) == 0


async def test_a_change_from_our_own_page_is_believed(api: Api, node: FakeNode) -> None:
    headers = api.headers | {"Origin": "http://testserver"}
    data(await api.call("POST", "/cluster/config", headers=headers, clustername="demo"))
    assert node.last(CreateCluster).user == ROOT


async def test_only_root_itself_may_change_the_cluster(node: FakeNode) -> None:
    alice = Api().sign_in(ALICE)
    for path, params in (
        ("/cluster/config", {"clustername": "demo"}),
        ("/cluster/config/join", {"hostname": "10.0.0.1", "fingerprint": "AB", "password": "x"}),
        ("/cluster/config/nodes/gamma", {}),
    ):
        response = await alice.post(path, **params)
        assert response.status_code == 403
        assert "Permission check failed" in response.headers["X-Quire-Reason"]
    assert {type(request).__name__ for request in node.asked} == {"CheckTicket", "CheckCsrf"}


async def test_reading_the_cluster_takes_the_privilege_and_the_refusal_names_it(node: FakeNode) -> None:
    response = await Api().sign_in(ALICE).get("/cluster/config/nodes")
    assert response.status_code == 403
    assert body(response)["message"] == "Permission check failed (/, Sys.Audit)\n"


async def test_no_ticket_or_password_is_logged(
    stranger: Api, api: Api, node: FakeNode, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await stranger.post("/access/ticket", username=ROOT, password=PASSWORD)
    await stranger.post("/access/ticket", username=ROOT, password=PASSWORD, x="1")
    await api.get("/version")
    await api.get("/nothing")
    for secret in (PASSWORD, quote(PASSWORD), TICKET, CSRF[ROOT]):
        assert secret not in caplog.text


# --- only verifying ---------------------------------------------------------------------------------------------------


async def test_a_password_and_rights_are_verified_without_a_ticket(stranger: Api, node: FakeNode) -> None:
    asked = {"username": ROOT, "password": PASSWORD, "path": "/nodes/alpha", "privs": "Sys.Audit,Sys.Modify"}
    got = data(await stranger.post("/access/ticket", **asked))
    assert got["username"] == ROOT and not {"ticket", "CSRFPreventionToken"} & got.keys()
    assert node.last(Login).verify


@pytest.mark.parametrize("changed", [{"password": "wrong"}, {"privs": "Sys.Audit,No.Such"}, {"username": "nobody@pam"}])
async def test_a_wrong_password_and_a_missing_right_are_one_refusal(stranger: Api, changed: dict[str, str]) -> None:
    asked = {"username": ROOT, "password": PASSWORD, "path": "/nodes/alpha", "privs": "Sys.Audit", **changed}
    response = await stranger.post("/access/ticket", **asked)
    assert (response.status_code, body(response)) == (401, {"data": None, "message": "authentication failure\n"})


@pytest.mark.parametrize(("given", "missing"), [({"path": "/"}, "privs"), ({"privs": "Sys.Audit"}, "path")])
async def test_verifying_takes_a_path_and_privileges(stranger: Api, given: dict[str, str], missing: str) -> None:
    response = await stranger.post("/access/ticket", username=ROOT, password=PASSWORD, **given)
    assert response.status_code == 400 and missing in body(response)["errors"]
