"""Requests about other nodes, seen from the front door: what goes along, and what comes back."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from cluster.control.node_requests import ForwardCall
from cluster.errors import FingerprintMismatch
from cluster.secret import Secret
from datacenter.api import envelope
from tests.api.conftest import Api, body
from tests.api.fake_node import CSRF, TICKETS, UPID, FakeNode
from tests.cast import ALICE

ANSWER = {"status": 200, "reason": "OK", "content_type": "application/json", "body": b'{"data":[]}'}


async def test_a_request_about_another_node_goes_there_with_who_asks_and_nothing_else(api: Api, node: FakeNode) -> None:
    node.carried = ANSWER
    response = await api.call("GET", "/nodes/beta/network", {"X-Other": "1", "CSRFPreventionToken": "t"}, type="eth")
    assert (response.status_code, response.content) == (200, b'{"data":[]}')
    asked = node.last(ForwardCall)
    assert (asked.node, asked.http_method, asked.target) == ("beta", "GET", "json/nodes/beta/network?type=eth")
    ticket = quote(next(iter(TICKETS)), safe="")
    assert asked.credentials == {"Cookie": Secret(f"PVEAuthCookie={ticket}"), "CSRFPreventionToken": Secret("t")}
    assert "PVEAuthCookie" not in repr(asked)


async def test_what_the_other_node_says_comes_back_as_it_is(api: Api, node: FakeNode) -> None:
    node.carried = {**ANSWER, "status": 400, "reason": "Parameter verification failed.", "body": b'{"data":null}'}
    response = await api.get("/nodes/beta/status")
    assert response.status_code == 400
    assert response.headers[envelope.REASON_HEADER] == "Parameter verification failed."
    assert response.content == b'{"data":null}'
    node.carried = {**ANSWER, "status": 401, "content_type": "", "body": b""}
    assert (await api.get("/nodes/beta/status")).status_code == 401


async def test_a_page_instead_of_an_api_is_not_handed_on(api: Api, node: FakeNode) -> None:
    node.carried = {**ANSWER, "content_type": "text/html", "body": b"<script>alert(1)</script>"}
    response = await api.get("/nodes/beta/status")
    assert response.status_code == 596
    assert b"script" not in response.content


async def test_an_offline_node_is_595_with_the_reason(api: Api) -> None:
    response = await api.get("/nodes/beta/version")
    assert response.status_code == 595
    assert response.headers[envelope.REASON_HEADER] == "node 'beta' is offline"
    assert body(response)["message"] == "node 'beta' is offline\n"


async def test_a_node_that_is_not_who_it_should_be_is_596(api: Api, node: FakeNode) -> None:
    node.refusals[ForwardCall] = FingerprintMismatch("another certificate")
    assert (await api.get("/nodes/beta/version")).status_code == 596


@pytest.mark.parametrize("name", ["gamma", "10.0.0.2", "beta@evil", "beta%23", "beta:8006", "..", "%2e%2e", "beta%2Fx"])
async def test_t33_only_nodes_of_the_cluster_are_asked(name: str, api: Api, node: FakeNode) -> None:
    response = await api.get(f"/nodes/{name}/version")
    assert response.status_code in (404, 501)
    assert node.count(ForwardCall) == 0


async def test_a_request_is_carried_once(api: Api, node: FakeNode) -> None:
    node.carried = ANSWER
    response = await api.call("GET", "/nodes/beta/version", {"PVEDisableProxy": "true"})
    assert response.status_code == 595
    assert node.count(ForwardCall) == 0


async def test_who_may_not_is_refused_before_anything_is_carried(node: FakeNode) -> None:
    response = await Api().sign_in(ALICE).get("/nodes/beta/status")
    assert response.status_code == 403
    assert "(/nodes/beta, Sys.Audit)" in body(response)["message"]
    assert node.count(ForwardCall) == 0


async def test_a_change_is_carried_with_its_anti_forgery_token(api: Api, node: FakeNode) -> None:
    node.carried = {**ANSWER, "body": b'{"data":null}'}
    upid = UPID.replace("alpha", "beta")
    response = await api.delete(f"/nodes/beta/tasks/{quote(upid, safe='')}")
    assert response.status_code == 200
    asked = node.last(ForwardCall)
    assert asked.target == f"json/nodes/beta/tasks/{quote(upid, safe='')}"
    assert asked.credentials["CSRFPreventionToken"] == Secret(CSRF["root@pam"])


async def test_localhost_is_the_node_that_is_asked(api: Api, node: FakeNode) -> None:
    assert (await api.get("/nodes/localhost/version")).status_code == 200
    assert node.count(ForwardCall) == 0
