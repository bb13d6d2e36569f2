"""Datacenter → Permissions over a real daemon: what each dialog does, what it refuses, and who sees and may what."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cluster.control import access_requests as ask
from datacenter import gateway
from datacenter.access import tickets
from datacenter.sheets.room import SEEN_AT_ONCE
from tests.cast import ALICE, BOB
from tests.datacenter.reader import Reader, text
from tests.node.alone import Alone, alone

PLACE, ROOT = "/datacenter/permissions", "root@pam"
PASSWORD = "battery staple"
CONFIRMED = {"confirmation-password": PASSWORD}
SHEETS = ("users", "groups", "roles", "acl", "tokens", "realms", "two-factor")


@pytest.fixture
async def node(tmp_path: Path, settings: Any) -> AsyncIterator[Alone]:
    tickets.forget_all()
    async with alone(tmp_path / "alpha", password=PASSWORD) as started:
        settings.QUIRE_SOCKET = str(started.daemon.options.socket)
        await started.ask(ask.UserAdd(ROOT, ALICE, password="correct horse"))
        yield started
        await gateway.client().close()


@pytest.fixture
def root(node: Alone) -> Reader:
    return Reader(node, ROOT)


@pytest.fixture
def alice(node: Alone) -> Reader:
    return Reader(node, ALICE)


async def test_every_sheet_is_a_page_and_marks_where_one_is(root: Reader) -> None:
    for name in SHEETS:
        page = await root.page(f"{PLACE}/{name}")
        assert f'href="{PLACE}/{name}" aria-current="page"' in page
    assert (await root.get(f"{PLACE}/nothing")).status_code == 404
    assert (await root.get(f"{PLACE}/users/nothing")).status_code == 404


async def test_a_long_list_has_a_box_to_find_somebody_in_it(node: Alone, root: Reader) -> None:
    assert "data-find" not in await root.page(PLACE)
    for number in range(SEEN_AT_ONCE):
        await node.ask(ask.UserAdd(ROOT, f"user{number}@pve"))
    assert "data-find" in await root.page(PLACE)


async def test_a_page_that_shows_everything_already_is_sent_nothing(node: Alone, root: Reader) -> None:
    found = re.search(r'name="mark" value="(\w+)"', await root.page(PLACE))
    assert found
    assert (await root.get(PLACE, mark=found[1])).status_code == 204
    await node.ask(ask.UserAdd(ROOT, BOB))
    assert BOB in await root.page(PLACE, mark=found[1])


async def test_a_user_is_added_with_groups_and_is_in_the_list_at_once(node: Alone, root: Reader) -> None:
    await node.ask(ask.GroupAdd(ROOT, "ops"))
    dialog = await root.page(f"{PLACE}/users/add")
    assert 'name="groups" value="ops"' in dialog and '<option value="pve" selected>' in dialog
    answer = await root.post(f"{PLACE}/users/add", userid="bob", realm="pve", enable="1", groups=["ops"], comment="B")
    assert answer["HX-Retarget"] == "#sheet-users" and BOB in text(answer)
    shown = await node.ask(ask.UserShow(ROOT, BOB))
    assert (shown["groups"], shown["enable"], shown["comment"]) == (["ops"], 1, "B")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"userid": "a b", "realm": "pve"}, "userid"), ({"userid": "", "realm": "pve"}, "userid"),
        ({"userid": "bob", "realm": "pve", "password": "short"}, "password"),
        ({"userid": "bob", "realm": "pve", "expire": "tomorrow"}, "expire"),
        ({"userid": "bob", "realm": "pve", "groups": "none"}, "groups"),
    ],
)  # fmt: skip
async def test_bad_input_is_told_beside_its_field(root: Reader, fields: dict[str, str], field: str) -> None:
    answer = await root.post(f"{PLACE}/users/add", **fields)
    assert answer.status_code == 422 and f'data-field="{field}"' in text(answer)


async def test_a_user_is_disabled_renamed_and_removed(node: Alone, root: Reader) -> None:
    dialog = await root.page(f"{PLACE}/users/edit", userid=ALICE)
    assert 'name="enable" value="1" checked' in dialog
    await root.post(f"{PLACE}/users/edit", userid=ALICE, firstname="Alice", expire="2031-01-02T03:04")
    shown = await node.ask(ask.UserShow(ROOT, ALICE))
    assert (shown["enable"], shown["firstname"], shown["expire"]) == (0, "Alice", 1925089440)
    assert 'value="2031-01-02T03:04"' in await root.page(f"{PLACE}/users/edit", userid=ALICE)
    assert "tokens, second factors" in await root.page(f"{PLACE}/users/remove", userid=ALICE)
    assert ALICE not in text(await root.post(f"{PLACE}/users/remove", userid=ALICE))
    assert (await root.get(f"{PLACE}/users/edit", userid=ALICE)).status_code == 404


async def test_a_role_of_ones_own_is_made_given_and_explains_what_alice_may(node: Alone, root: Reader) -> None:
    await node.ask(ask.GroupAdd(ROOT, "ops"))
    await node.ask(ask.UserChange(ROOT, ALICE, groups=["ops"]))
    await root.post(f"{PLACE}/roles/add", roleid="Looker", privs=["Sys.Audit", "Sys.Syslog"])
    assert 'value="Sys.Audit" checked' in await root.page(f"{PLACE}/roles/edit", roleid="Looker")
    given = await root.post(f"{PLACE}/acl/add", path="/nodes", who="group:ops", roleid="Looker", propagate="1")
    assert given.status_code == 200 and "Looker" in text(given)
    page = await root.page(f"{PLACE}/rights", userid=ALICE)
    plain = re.sub(r"<[^>]+>", "", page)
    assert "Role Looker, given to the group ops on /nodes" in plain and "Sys.Syslog" in page
    refused = await root.post(f"{PLACE}/roles/remove", roleid="Looker")
    assert refused.status_code == 422 and "in use on /nodes" in text(refused)
    await root.post(f"{PLACE}/acl/remove", path="/nodes", who="group:ops", roleid="Looker")
    assert "may do nothing" in await root.page(f"{PLACE}/rights", userid=ALICE)


async def test_rights_are_given_to_somebody_on_a_path(root: Reader) -> None:
    nobody = await root.post(f"{PLACE}/acl/add", path="/nodes", who="", roleid="PVEAuditor")
    assert nobody.status_code == 422
    nowhere = await root.post(f"{PLACE}/acl/add", path="nodes", who=f"user:{ALICE}", roleid="PVEAuditor")
    assert nowhere.status_code == 422 and 'data-field="path"' in text(nowhere)


async def test_a_tokens_value_is_shown_once_and_works(node: Alone, root: Reader) -> None:
    answer = await root.post(f"{PLACE}/tokens/add", userid=ALICE, tokenid="ci", privsep="1", **CONFIRMED)
    found = re.search(r'id="secret-value"[^>]*value="([0-9a-f-]{36})"', text(answer))
    assert found and answer["HX-Retarget"] == "#dialog-slot"
    assert await node.ask(ask.CheckToken(f"{ALICE}!ci={found[1]}")) == {"username": f"{ALICE}!ci"}
    assert found[1] not in await root.page(f"{PLACE}/tokens")
    again = await root.post(f"{PLACE}/tokens/regenerate", userid=ALICE, tokenid="ci", **CONFIRMED)
    assert found[1] not in text(again) and f'value="{ALICE}!ci"' in text(again)
    nameless = await root.post(f"{PLACE}/tokens/add", userid=ALICE, tokenid="", **CONFIRMED)
    assert nameless.status_code == 422 and 'data-field="tokenid"' in text(nameless)


async def test_a_realm_is_added_changed_under_its_digest_and_removed(node: Alone, root: Reader) -> None:
    fields = {"realm": "office", "server1": "ldap.test", "base_dn": "dc=test", "user_attr": "uid", "mode": "ldaps"}
    assert "office" in text(await root.post(f"{PLACE}/realms/add-ldap", **fields, filter="(x=y)"))
    dialog = await root.page(f"{PLACE}/realms/edit-ldap", realm="office")
    digest = re.search(r'name="digest" value="(\w+)"', dialog)
    assert digest and 'value="ldap.test"' in dialog
    await root.post(f"{PLACE}/realms/edit-ldap", **{**fields, "server1": "two.test", "digest": digest[1]})
    shown = await node.ask(ask.RealmShow(ROOT, "office"))
    assert shown["server1"] == "two.test" and "filter" not in shown
    stale = await root.post(f"{PLACE}/realms/edit-ldap", **{**fields, "digest": digest[1]})
    assert stale.status_code == 422
    assert "office" not in text(await root.post(f"{PLACE}/realms/remove", realm="office"))


async def test_without_rights_one_sees_oneself_and_why_nothing_can_be_done(node: Alone, alice: Reader) -> None:
    await node.ask(ask.UserAdd(ROOT, BOB))
    page = await alice.page(PLACE)
    assert ALICE in page and BOB not in page
    assert 'disabled title="This needs Realm.AllocateUser on a realm and User.Modify on a group."' in page
    assert "Summary</a>" not in page and "alpha" not in page.split('<nav class="tree"')[1].split("</nav>")[0]
    refused = await alice.post(f"{PLACE}/users/add", userid="eve", realm="pve")
    assert refused.status_code == 422 and "Permission check failed" in text(refused)


@pytest.mark.parametrize("path", ["/", "/datacenter/summary", "/datacenter/options", "/nodes/alpha"])
async def test_a_page_one_may_not_look_at_says_what_it_takes(alice: Reader, path: str) -> None:
    answer = await alice.get(path)
    assert answer.status_code == 403 and "Sys.Audit" in text(answer) and 'href="/account"' in text(answer)


async def test_a_role_given_opens_the_page(node: Alone, alice: Reader) -> None:
    await node.ask(ask.AclChange(ROOT, "/", ["PVEAuditor"], users=[ALICE]))
    assert "Summary</a>" in await alice.page("/")
    assert "disabled" in await alice.page("/datacenter/options")
    assert (await alice.post("/datacenter/cluster/create", clustername="x")).status_code == 403


async def test_names_and_comments_are_text_and_never_markup(node: Alone, root: Reader) -> None:
    await node.ask(ask.UserChange(ROOT, ALICE, comment="<b>bold</b>"))
    assert "<b>bold</b>" not in (await root.get(PLACE)).content.decode()
