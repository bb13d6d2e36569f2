"""The API as clients in the field meet it, over TLS: proxmoxer, and the standard library's bare HTTP."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from proxmoxer import AuthenticationError, ProxmoxAPI, ResourceException

from tests.api.fake_node import CONFIGURED, CSRF, HISTORY, PASSWORD, ROOT, TICKETS, UPID
from tests.datacenter.served import ADDRESS, Served, serving
from tests.places import own_port

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

PORT = own_port()
TICKET = next(iter(TICKETS))


@pytest.fixture(scope="module")
def _module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("clients"), PORT) as served:
        yield served


@pytest.fixture
def server(_module_server: Served) -> Served:
    return _module_server


@pytest.fixture
def proxmox(server: Served) -> ProxmoxAPI:
    logging.getLogger("proxmoxer").setLevel(logging.CRITICAL)
    return ProxmoxAPI(ADDRESS, port=PORT, user=ROOT, password=PASSWORD, verify_ssl=False)


def test_proxmoxer_signs_in_and_reads(proxmox: ProxmoxAPI) -> None:
    assert proxmox.version.get()["release"] == "9.2"
    assert proxmox.cluster.config.nodes.get() == CONFIGURED
    assert {"name": "join"} in proxmox.cluster.config.get()
    assert proxmox.cluster.status.get()[0]["name"] == "demo"
    assert proxmox.nodes("alpha").tasks(UPID).status.get()["status"] == "running"


def test_proxmoxer_creates_with_the_token_of_its_ticket(proxmox: ProxmoxAPI) -> None:
    assert proxmox.cluster.config.post(clustername="demo", **{"token-coefficient": 125}) == UPID


def test_proxmoxer_shows_its_user_the_reason(proxmox: ProxmoxAPI) -> None:
    with pytest.raises(ResourceException) as refused:
        proxmox.cluster.config.post(clustername="a_b")
    assert refused.value.status_code == 400
    assert "Parameter verification failed." in str(refused.value)
    assert set(refused.value.errors) == {"clustername"}
    with pytest.raises(ResourceException, match="404.*Path '/pigs' does not exist"):
        proxmox.pigs.get()
    with pytest.raises(ResourceException, match="501.*POST /nodes/alpha/qemu' not implemented: Quire runs no"):
        proxmox.nodes("alpha").qemu.post(vmid=100)
    with pytest.raises(ResourceException, match="595.*node .beta. is offline"):
        proxmox.nodes("beta").network.get()


def test_proxmoxer_with_a_wrong_password_is_told_so(server: Served) -> None:
    with pytest.raises(AuthenticationError, match="401"):
        ProxmoxAPI(ADDRESS, port=PORT, user=ROOT, password="wrong", verify_ssl=False)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 501), ("OPTIONS", 501), ("TRACE", 405), ("FETCH", 405)])
def test_t68_other_methods_are_refused_on_the_wire(method: str, status: int, server: Served) -> None:
    headers = {"Cookie": "PVEAuthCookie=" + quote(TICKET, safe=""), "CSRFPreventionToken": CSRF[ROOT]}
    response, body = server.request(method, "/api2/json/version", headers=headers)
    assert response.status == status
    assert (body == b"") == (method == "HEAD")
    if status == 501:
        assert response.reason == f"Method '{method} /version' not implemented"


def test_the_reason_phrase_and_type_are_on_the_wire(server: Served) -> None:
    headers = {"Cookie": "PVEAuthCookie=" + quote(TICKET, safe="")}
    response, body = server.request("GET", "/api2/json/nodes/gamma/status", headers=headers)
    assert (response.status, response.reason) == (404, "there is no node 'gamma' here")
    assert response.getheader("Content-Type") == "application/json;charset=UTF-8"
    assert response.getheader("Server") == "pve-api-daemon/3.0"
    assert response.getheader("X-Quire-Reason") is None
    assert response.getheader("Content-Length") == str(len(body))
    assert json.loads(body)["data"] is None


def test_an_empty_401_is_empty(server: Served) -> None:
    response, body = server.request("GET", "/api2/json/version")
    assert (response.status, response.reason, body) == (401, "No ticket", b"")
    assert response.getheader("Content-Type") is None


def test_a_ticket_is_never_compressed(server: Served) -> None:
    form = f"username={quote(ROOT)}&password={quote(PASSWORD)}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "gzip"}
    response, body = server.request("POST", "/api2/json/access/ticket", form, headers)
    assert response.status == 200 and len(body) > 1024
    assert response.getheader("Content-Encoding") is None


def test_a_delete_travels_without_a_body(server: Served) -> None:
    headers = {"Authorization": f"PVEAuthCookie={TICKET}", "CSRFPreventionToken": CSRF[ROOT]}
    response, _ = server.request("DELETE", f"/api2/json/nodes/alpha/tasks/{quote(UPID, safe='')}", headers=headers)
    assert response.status == 200


def test_another_node_fetches_history_through_the_web_server(server: Served) -> None:
    headers = {"Content-Type": "application/octet-stream", "Quire-Node": "2", "Quire-Proof": "good"}
    response, body = server.request("POST", "/peer/history", b"\x92\x01", headers)
    assert response.status == 200 and body == HISTORY


def test_nothing_secret_was_logged(server: Served) -> None:
    logged = (Path(server.folder) / "stderr").read_text()
    for secret in (PASSWORD, TICKET, quote(TICKET, safe=""), CSRF[ROOT]):
        assert secret not in logged
