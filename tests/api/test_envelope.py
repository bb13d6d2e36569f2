"""What every answer of the API looks like, and what it refuses before an endpoint is asked."""

from __future__ import annotations

import pytest

from cluster.control.requests import ClusterConfig, CreateCluster, Version
from cluster.errors import Busy, Conflict, NoQuorum, PeerError, Unavailable
from datacenter.api import envelope
from tests.api.conftest import Api, body
from tests.api.fake_node import FakeNode


async def test_an_answer_has_its_data_in_an_envelope_and_the_headers_clients_expect(api: Api) -> None:
    response = await api.get("/version")
    assert response.status_code == 200
    assert response.content == b'{"data":{"version":"9.2.11","release":"9.2","repoid":"0123456789abcdef"}}'
    assert response.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert response.headers["Server"] == "pve-api-daemon/3.0"
    assert response.headers["Pragma"] == "no-cache"
    assert response.headers["Cache-Control"] == "no-store, max-age=0"
    assert "Access-Control-Allow-Origin" not in response.headers


async def test_t42_every_answer_carries_the_site_s_security_headers(api: Api, stranger: Api) -> None:
    for response in (await api.get("/version"), await api.get("/nothing"), await stranger.get("/version")):
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_extjs_answers_200_and_says_inside_whether_it_worked(node: FakeNode) -> None:
    api = Api("extjs").sign_in()
    good = await api.get("/version")
    assert body(good)["success"] == 1 and body(good)["data"]["release"] == "9.2"
    bad = await api.post("/cluster/config")
    assert bad.status_code == 200
    assert body(bad) == {
        "success": 0,
        "status": 400,
        "data": None,
        "message": "Parameter verification failed.\n",
        "errors": {"clustername": "is required"},
    }


async def test_a_plain_failure_is_500_with_the_first_line_as_the_reason(api: Api, node: FakeNode) -> None:
    node.refusals[CreateCluster] = Conflict("This node is in a cluster\nalready: démo")
    response = await api.post("/cluster/config", clustername="demo")
    assert response.status_code == 500
    assert response.headers[envelope.REASON_HEADER] == "This node is in a cluster"
    assert body(response) == {"data": None, "message": "This node is in a cluster\nalready: démo\n"}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NoQuorum("no"), 500),
        (Busy("busy"), 503),
        (Unavailable("gone"), 503),
        (PeerError("far"), 595),
        (Conflict("taken"), 500),
    ],
)
async def test_errors_have_the_status_clients_know(error: Exception, status: int, api: Api, node: FakeNode) -> None:
    node.refusals[ClusterConfig] = error  # type: ignore[assignment]
    response = await api.get("/cluster/config/nodes")
    assert response.status_code == status


def test_t47_a_reason_cannot_end_the_status_line() -> None:
    assert envelope.phrase("no\r\nSet-Cookie: a=b") == "no"
    assert envelope.phrase("caf\u00e9 \x0b\u2028 \x7f") == "caf? ?? ?"
    assert len(envelope.phrase("a" * 9999)) == envelope.REASON_LENGTH_MAX
    assert envelope.phrase("\n") == "Error"


@pytest.mark.parametrize("form", ["html", "png", "jsonp", "", "JSON", "spiceconfig"])
async def test_other_formats_are_not_implemented(form: str, node: FakeNode) -> None:
    response = await Api(form).sign_in().get("/version")
    assert response.status_code in (404, 501)
    assert node.count(Version) == 0


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/version"), ("PATCH", "/version"), ("HEAD", "/version"), ("OPTIONS", "/version"), ("POST", "/nodes")],
)
async def test_what_cannot_be_asked_of_a_path_is_501(method: str, path: str, api: Api) -> None:
    response = await api.call(method, path)
    assert response.status_code == 501
    assert response.headers[envelope.REASON_HEADER] == f"Method '{method} {path}' not implemented"


async def test_a_stranger_learns_nothing_about_what_exists(stranger: Api, node: FakeNode) -> None:
    for path in ("/version", "/nothing", "/cluster/config"):
        response = await stranger.get(path)
        assert (response.status_code, response.content) == (401, b"")
    assert node.asked == []


async def test_a_daemon_that_does_not_answer_is_503_and_signs_nobody_out(api: Api, node: FakeNode) -> None:
    await node.stop()
    response = await api.get("/version")
    assert response.status_code == 503
    assert "does not answer" in body(response)["message"] or "daemon" in body(response)["message"]


async def test_a_refusal_is_told_to_who_asked_and_not_to_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/nodes/beta/version", "/nodes/alpha/disks/list"):
        assert (await api.get(path)).status_code >= 500
    assert caplog.records == []


async def test_t67_an_unforeseen_fault_tells_nothing_of_the_inside(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(text: str) -> str:
        raise ValueError(text)

    monkeypatch.setattr("datacenter.api.membership.plain_link", fail)
    response = await api.post("/cluster/config", clustername="demo", link0="10.9.8.7")
    assert response.status_code == 500
    assert body(response) == {"data": None, "message": "an internal error; the node's log has the details\n"}
    assert "ValueError" in caplog.text and "10.9.8.7" not in caplog.text
