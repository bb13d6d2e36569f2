"""/access over a real daemon: users, tokens, groups, roles, rights and realms, as clients of Proxmox VE use them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from datacenter import gateway
from datacenter.access import tickets
from datacenter.api.table import ENDPOINTS
from tests.api.conftest import Api, body, data
from tests.cast import ALICE, BOB
from tests.node.access.conftest import cheap_hashes as cheap_hashes
from tests.node.access.test_requests import PASSWORD
from tests.node.alone import Alone, alone

ROOT = "root@pam"


class Caller(Api):
    """Signed in with a password or with a token."""

    async def call(self, method: str, path: str, /, headers: dict[str, str] | None = None, **params: Any) -> Any:
        response = await super().call(method, path, headers=headers, **params)
        if method == "GET" and response.status_code == 200:
            conforms(path, body(response)["data"])
        return response

    async def put(self, path: str, /, **params: Any) -> Any:
        return await self.call("PUT", path, **params)

    async def with_password(self, user: str, password: str) -> Caller:
        issued = data(await self.post("/access/ticket", username=user, password=password))
        self.client.cookies["PVEAuthCookie"] = quote(issued["ticket"], safe="")
        self.headers = {"CSRFPreventionToken": issued["CSRFPreventionToken"]}
        return self

    def with_token(self, full: str, value: str) -> Caller:
        self.headers = {"Authorization": f"PVEAPIToken={full}={value}"}
        return self


def conforms(path: str, answer: Any) -> None:
    """What is answered is what the endpoint's description says."""
    segments = [segment for segment in path.split("/") if segment]
    for endpoint in ENDPOINTS:
        if endpoint.method == "GET" and endpoint.match(segments) is not None and endpoint.returns is not None:
            msgspec.convert(answer, endpoint.returns)
            return


@pytest.fixture
async def node(tmp_path: Path, settings: Any) -> AsyncIterator[Alone]:
    settings.ROOT_URLCONF = "tests.api.urls"
    settings.QUIRE_LOGIN_DELAY_S = 0
    tickets.forget_all()
    async with alone(tmp_path / "alpha") as started:
        settings.QUIRE_SOCKET = str(started.daemon.options.socket)
        yield started
        await gateway.client().close()


@pytest.fixture
def root(node: Alone) -> Caller:
    caller = Caller()
    issued = node.daemon.keys.tickets().issue(ROOT, time.time())
    caller.client.cookies["PVEAuthCookie"] = quote(issued, safe="")
    from cluster.node.access.tickets import issue_csrf_token

    caller.headers = {"CSRFPreventionToken": issue_csrf_token(node.daemon.keys.csrf(), ROOT, time.time())}
    return caller


async def test_a_user_s_life(root: Caller) -> None:
    data(await root.post("/access/groups", groupid="staff", comment="the staff"))
    data(await root.post("/access/users", userid=ALICE, password=PASSWORD, groups="staff", email="a@example.org"))
    assert data(await root.get(f"/access/users/{ALICE}")) == {
        "enable": 1, "expire": 0, "email": "a@example.org", "groups": ["staff"], "tokens": {},
    }  # fmt: skip
    assert data(await root.get("/access/groups/staff")) == {"comment": "the staff", "members": [ALICE]}
    data(await root.put(f"/access/users/{ALICE}", firstname="Alice", enable="0"))
    listed = data(await root.get("/access/users", full="1", enabled="0"))
    assert listed == [
        {"userid": ALICE, "enable": 0, "expire": 0, "firstname": "Alice", "email": "a@example.org", "groups": "staff",
         "tokens": [], "realm-type": "pve"}
    ]  # fmt: skip
    data(await root.delete(f"/access/users/{ALICE}"))
    assert (await root.get(f"/access/users/{ALICE}")).status_code == 404
    assert [row["userid"] for row in data(await root.get("/access/users"))] == [ROOT]


async def test_rights_given_to_a_group_open_and_close_what_they_name(root: Caller) -> None:
    data(await root.post("/access/users", userid=ALICE, password=PASSWORD))
    alice = await Caller().with_password(ALICE, PASSWORD)
    assert (await alice.get("/cluster/status")).status_code == 403
    data(await root.post("/access/groups", groupid="watch"))
    data(await root.put(f"/access/users/{ALICE}", groups="watch"))
    data(await root.put("/access/acl", path="/", roles="PVEAuditor", groups="watch"))
    data(await alice.get("/cluster/status"))
    assert data(await alice.get("/access/permissions", path="/"))["/"]["Sys.Audit"] == 1
    refused = await alice.post("/access/users", userid=BOB)
    assert refused.status_code == 403 and "Realm.AllocateUser" in body(refused)["message"]
    data(await root.put("/access/acl", path="/", roles="PVEAuditor", groups="watch", delete="1"))
    refused = await alice.get("/cluster/status")
    assert refused.status_code == 403 and body(refused)["message"] == "Permission check failed (/, Sys.Audit)\n"


async def test_a_token_speaks_for_itself_without_ticket_or_anti_forgery_token(root: Caller) -> None:
    data(await root.post("/access/users", userid=ALICE, password=PASSWORD))
    alice = await Caller().with_password(ALICE, PASSWORD)
    made = data(await alice.post(f"/access/users/{ALICE}/token/ci", comment="builds"))
    assert set(made) == {"full-tokenid", "info", "value"}
    token = Caller().with_token(made["full-tokenid"], made["value"])
    data(await token.get("/version"))
    assert (await token.get("/cluster/status")).status_code == 403
    data(await root.put("/access/acl", path="/", roles="Administrator", users=ALICE))
    assert (await token.get("/cluster/status")).status_code == 403
    data(await root.put("/access/acl", path="/", roles="PVEAuditor", tokens=made["full-tokenid"]))
    data(await token.get("/cluster/status"))
    assert (await token.post("/access/groups", groupid="mine")).status_code == 403
    assert (await token.put("/access/password", userid=ALICE, password="x" * 9)).status_code == 403
    data(await alice.put(f"/access/users/{ALICE}/token/ci", privsep="0"))
    data(await token.post("/access/groups", groupid="mine"))
    assert data(await alice.get(f"/access/users/{ALICE}/token")) == [
        {"tokenid": "ci", "expire": 0, "privsep": 0, "comment": "builds"}
    ]
    again = await alice.post(f"/access/users/{ALICE}/token/ci")
    assert again.status_code == 400 and "tokenid" in body(again)["errors"]
    data(await alice.delete(f"/access/users/{ALICE}/token/ci"))
    assert (await token.get("/version")).status_code == 401


@pytest.mark.parametrize(
    "header", ["PVEAPIToken=", "PVEAPIToken=x", "PVEAPIToken alice", "PVEAPIToken=root@pam!x=", "PVEAPIToken=%00=%0a"]
)
async def test_a_bad_token_is_an_empty_401_even_beside_a_good_ticket(root: Caller, header: str) -> None:
    response = await root.call("GET", "/version", headers={"Authorization": header})
    assert (response.status_code, response.content) == (401, b"")


async def test_a_token_opens_no_page(root: Caller, node: Alone) -> None:
    made = data(await root.post(f"/access/users/{ROOT}/token/all", privsep="0"))
    token = Caller().with_token(made["full-tokenid"], made["value"])
    data(await token.get("/version"))
    root_only = await token.post("/cluster/config", clustername="demo")
    assert root_only.status_code == 403


async def test_a_changed_password_is_confirmed_with_the_old_one(root: Caller) -> None:
    data(await root.post("/access/users", userid=ALICE, password=PASSWORD))
    alice = await Caller().with_password(ALICE, PASSWORD)
    wanted = {"userid": ALICE, "password": "another password"}
    for more, why in (({}, "is required"), ({"confirmation-password": "a guess"}, "is not your password")):
        refused = await alice.put("/access/password", **wanted, **more)
        assert (refused.status_code, body(refused)["errors"]) == (400, {"confirmation-password": why})
    data(await alice.put("/access/password", **wanted, **{"confirmation-password": PASSWORD}))
    await Caller().with_password(ALICE, "another password")
    data(await root.put("/access/password", userid=ALICE, password=PASSWORD))
    await Caller().with_password(ALICE, PASSWORD)


async def test_roles_are_made_changed_and_removed(root: Caller) -> None:
    data(await root.post("/access/roles", roleid="Looker", privs="Sys.Audit,VM.Audit"))
    data(await root.put("/access/roles/Looker", privs="Sys.Syslog", append="1"))
    assert data(await root.get("/access/roles/Looker")) == {"Sys.Audit": 1, "Sys.Syslog": 1, "VM.Audit": 1}
    built_in = [row for row in data(await root.get("/access/roles")) if row["special"] == 1]
    assert len(built_in) == 17
    assert (await root.put("/access/roles/PVEAdmin", privs="")).status_code == 500
    assert (await root.post("/access/roles", roleid="pveMine")).status_code == 400
    data(await root.delete("/access/roles/Looker"))


async def test_a_realm_s_life(root: Caller) -> None:
    data(await root.post("/access/domains", realm="office", type="ldap", server1="10.0.0.5", base_dn="dc=example",
                         user_attr="uid", default="1", password="bind secret"))  # fmt: skip
    shown = data(await root.get("/access/domains/office"))
    assert shown["server1"] == "10.0.0.5" and shown["default"] == 1 and "bind secret" not in str(shown)
    assert [row["realm"] for row in data(await Caller().get("/access/domains"))] == ["pam", "pve", "office"]
    data(await root.put("/access/domains/office", port="636", delete="default", digest=shown["digest"]))
    assert (await root.put("/access/domains/office", port="1", digest=shown["digest"])).status_code == 500
    assert (await root.put("/access/domains/office", port="70000")).status_code == 400
    data(await root.delete("/access/domains/office"))


@pytest.mark.parametrize(
    ("method", "path", "params", "field"),
    [
        ("POST", "/access/users", {"userid": "no-realm"}, "userid"),
        ("POST", "/access/users", {"userid": ALICE, "admin": "1"}, "admin"),
        ("POST", "/access/users", {"userid": ALICE, "password": "short"}, "password"),
        ("POST", "/access/users", {"userid": ALICE, "expire": "-1"}, "expire"),
        ("POST", "/access/users", {"userid": ALICE, "groups": "gone"}, "groups"),
        ("POST", "/access/users", {"userid": [ALICE, BOB]}, "userid"),
        ("POST", "/access/users", {"userid": "alice@gone"}, "userid"),
        ("PUT", "/access/acl", {"path": "/../etc", "roles": "PVEAdmin", "users": ROOT}, "path"),
        ("PUT", "/access/acl", {"path": "/nowhere", "roles": "PVEAdmin", "users": ROOT}, "path"),
        ("PUT", "/access/acl", {"path": "/", "roles": "Gone", "users": ROOT}, "roles"),
        ("PUT", "/access/acl", {"path": "/", "roles": "PVEAdmin", "users": ALICE}, "users"),
        ("POST", f"/access/users/{ROOT}/token/1", {}, "tokenid"),
    ],
)
async def test_what_is_wrong_names_its_field(
    root: Caller, method: str, path: str, params: dict[str, Any], field: str
) -> None:
    response = await root.call(method, path, **params)
    assert response.status_code == 400 and list(body(response)["errors"]) == [field]
