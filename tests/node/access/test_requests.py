"""Users, tokens, groups, roles, rights and realms, asked of a real node as its control socket would ask it."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cluster.access import hashes, user_cfg
from cluster.control import access_requests as ask
from cluster.control import requests as base
from cluster.control.protocol import REQUESTS
from cluster.errors import Conflict, Forbidden, InvalidInput, NotFound, QuireError, Unauthenticated
from cluster.node.access import needs
from tests.cast import ALICE, BOB, CHARLIE
from tests.node.access.conftest import PASSWORD as HOST_PASSWORD
from tests.node.alone import Alone, alone

ROOT = "root@pam"
PASSWORD = "correct horse"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Alone]:
    async with alone(tmp_path / "alpha") as running:
        await running.ask(ask.UserAdd(ROOT, ALICE, PASSWORD))
        await running.ask(ask.UserAdd(ROOT, BOB, comment="a: 100%"))
        yield running


async def refused(node: Alone, request: base.Request, error: type[QuireError] = Forbidden) -> str:
    with pytest.raises(error) as caught:
        await node.ask(request)
    return caught.value.message


async def login(node: Alone, user: str, password: str) -> dict[str, object]:
    answer: dict[str, object] = await node.ask(base.Login(user, password))
    return answer


def text(node: Alone, path: str) -> str:
    return (node.daemon.life.tree.read(path) or b"").decode()


async def test_a_user_of_the_cluster_s_own_realm_signs_in_with_an_argon2_hash(node: Alone) -> None:
    answer = await login(node, ALICE, PASSWORD)
    assert answer["username"] == ALICE and str(answer["ticket"]).startswith("PVE:alice@pve:")
    assert "$argon2id$" in text(node, hashes.SHADOW) and PASSWORD not in text(node, hashes.SHADOW)
    assert f"user:{BOB}:1:0:::a%3A 100%25::".replace(":::a", "::::a") in text(node, user_cfg.PATH)
    for user, password in [(ALICE, "wrong"), (BOB, PASSWORD), (BOB, ""), (CHARLIE, PASSWORD), ("alice@nowhere", "x")]:
        await refused(node, base.Login(user, password), Unauthenticated)


async def test_t23_disabling_or_removing_a_user_ends_its_ticket(node: Alone) -> None:
    ticket = str((await login(node, ALICE, PASSWORD))["ticket"])
    assert (await node.ask(base.CheckTicket(ticket)))["username"] == ALICE
    await node.ask(ask.UserChange(ROOT, ALICE, enable=False))
    await refused(node, base.CheckTicket(ticket), Unauthenticated)
    await refused(node, base.Login(ALICE, PASSWORD), Unauthenticated)
    await node.ask(ask.UserChange(ROOT, ALICE, enable=True))
    await refused(node, base.CheckTicket(ticket), Unauthenticated)
    await login(node, ALICE, PASSWORD)
    await node.ask(ask.UserRemove(ROOT, ALICE))
    await refused(node, base.CheckTicket(ticket), Unauthenticated)
    assert "alice" not in text(node, hashes.SHADOW) + text(node, user_cfg.PATH)


@pytest.mark.parametrize("method", ["-5", "-6", "yescrypt"])
async def test_an_old_hash_is_verified_and_replaced_at_the_next_sign_in(node: Alone, method: str) -> None:
    import crypt_r

    salt = {"-5": "$5$saltsalt$", "-6": "$6$saltsalt$", "yescrypt": "$y$j9T$saltsalt$"}[method]
    old = crypt_r.crypt("an old password", salt)
    await node.write(hashes.SHADOW, f"bob:{old}:\n")
    await refused(node, base.Login(BOB, "another password"), Unauthenticated)
    assert old in text(node, hashes.SHADOW)
    await login(node, BOB, "an old password")
    assert "$argon2id$" in text(node, hashes.SHADOW) and old not in text(node, hashes.SHADOW)
    await login(node, BOB, "an old password")


async def test_a_changed_password_is_the_only_one(node: Alone) -> None:
    await refused(node, ask.PasswordChange(ALICE, ALICE, "new password"), InvalidInput)
    await node.ask(ask.PasswordChange(ALICE, ALICE, "new password", PASSWORD))
    await refused(node, base.Login(ALICE, PASSWORD), Unauthenticated)
    await login(node, ALICE, "new password")
    await node.ask(ask.PasswordChange(ROOT, ALICE, PASSWORD))
    await login(node, ALICE, PASSWORD)
    await refused(node, ask.PasswordChange(ALICE, BOB, "new password", PASSWORD))
    await refused(node, ask.PasswordChange(ALICE, ALICE, "new password", "a guess"), InvalidInput)
    await refused(node, ask.PasswordChange(f"{ALICE}!t", ALICE, "new password", PASSWORD), Unauthenticated)
    await refused(node, ask.PasswordChange(ROOT, ALICE, "short"), InvalidInput)


# --- tokens -----------------------------------------------------------------------------------------------------------


async def test_a_token_is_shown_once_and_kept_as_a_hash(node: Alone) -> None:
    made = await node.ask(ask.TokenAdd(ALICE, ALICE, "ci", comment="for builds"))
    value = made["value"]
    assert made["full-tokenid"] == f"{ALICE}!ci"
    assert made["info"] == {"expire": 0, "privsep": 1, "comment": "for builds"}
    assert value not in text(node, hashes.TOKENS) and value not in text(node, user_cfg.PATH)
    assert value not in str(await node.ask(ask.TokenShow(ALICE, ALICE, "ci")))
    for form in ("{}={}", "{} {}"):
        assert await node.ask(ask.CheckToken(form.format(f"{ALICE}!ci", value))) == {"username": f"{ALICE}!ci"}
    again = await node.ask(ask.TokenChange(ALICE, ALICE, "ci", regenerate=True))
    await refused(node, ask.CheckToken(f"{ALICE}!ci={value}"), Unauthenticated)
    await node.ask(ask.CheckToken(f"{ALICE}!ci={again['value']}"))
    await node.ask(ask.TokenRemove(ALICE, ALICE, "ci"))
    await refused(node, ask.CheckToken(f"{ALICE}!ci={again['value']}"), Unauthenticated)
    assert "ci" not in text(node, hashes.TOKENS)


async def test_a_clear_token_of_a_real_file_works_and_becomes_a_hash_at_its_first_use(node: Alone) -> None:
    value = "0d9ec5b7-1c3c-4b2a-9d3a-5f4a3c2b1a00"
    await node.write(user_cfg.PATH, f"user:{ALICE}:1:0::::::\ntoken:{ALICE}!old:0:1::\n")
    await node.write(hashes.TOKENS, f"{ALICE}!old {value}\n")
    await refused(node, ask.CheckToken(f"{ALICE}!old={value[:-1]}1"), Unauthenticated)
    await node.ask(ask.CheckToken(f"{ALICE}!old={value}"))
    upgrading = list(node.daemon.access.tokens._upgrading)
    for task in upgrading:
        await task
    assert value not in text(node, hashes.TOKENS) and "$sha256$" in text(node, hashes.TOKENS)
    await node.ask(ask.CheckToken(f"{ALICE}!old={value}"))


@pytest.mark.parametrize(
    "sent", ["", "=", " ", "x", f"{ALICE}=v", f"{ALICE}!=v", f"{ALICE}!ci", f"{ALICE}!ci=", f"{ALICE}!c\ni=v", "é!x=v"]
)
async def test_t27_what_has_not_the_form_of_a_token_is_refused(node: Alone, sent: str) -> None:
    await refused(node, ask.CheckToken(sent), Unauthenticated)


async def test_t23_a_token_is_dead_when_it_or_its_user_expired_or_was_disabled(node: Alone) -> None:
    made = await node.ask(ask.TokenAdd(ALICE, ALICE, "ci"))
    sent = f"{ALICE}!ci={made['value']}"
    await node.ask(ask.TokenChange(ALICE, ALICE, "ci", expire=1))
    await refused(node, ask.CheckToken(sent), Unauthenticated)
    await node.ask(ask.TokenChange(ALICE, ALICE, "ci", expire=0))
    await node.ask(ask.CheckToken(sent))
    await node.ask(ask.UserChange(ROOT, ALICE, expire=1))
    await refused(node, ask.CheckToken(sent), Unauthenticated)


async def test_t27_a_token_of_separated_rights_makes_itself_no_more_than_it_is(node: Alone) -> None:
    token = f"{ALICE}!ci"
    await node.ask(ask.TokenAdd(ROOT, ALICE, "ci"))
    await node.ask(ask.AclChange(ROOT, "/", ["Administrator"], users=[ALICE]))
    await node.ask(ask.AclChange(ROOT, "/access", ["PVEUserAdmin"], tokens=[token]))
    await refused(node, ask.TokenAdd(token, ALICE, "more", privsep=False))
    await refused(node, ask.TokenChange(token, ALICE, "ci", privsep=False))
    await refused(node, ask.AclChange(token, "/", ["Administrator"], tokens=[token]))
    await node.ask(ask.RoleAdd(ROOT, "Giver", ["Permissions.Modify"]))
    await node.ask(ask.AclChange(ROOT, "/", ["Giver"], tokens=[token]))
    await refused(node, ask.AclChange(token, "/", ["Administrator"], tokens=[token]))
    await refused(node, base.StoreWrite("x", b"", user=token))
    await refused(node, base.StoreRead("priv/shadow.cfg", user=token))
    await refused(node, ask.PasswordChange(token, ALICE, "new password", PASSWORD))


async def test_t27_even_root_s_own_tokens_are_not_root(node: Alone) -> None:
    await node.ask(ask.TokenAdd(ROOT, ROOT, "all", privsep=False))
    for request in (base.CreateCluster("demo", user="root@pam!all"), base.StoreWrite("x", b"", user="root@pam!all")):
        assert "root@pam" in await refused(node, request)
    assert await node.ask(ask.HeldRights("root@pam!all", "/nodes")) == await node.ask(ask.HeldRights(ROOT, "/nodes"))


# --- rights -----------------------------------------------------------------------------------------------------------


async def test_rights_are_given_listed_used_and_taken(node: Alone) -> None:
    await node.ask(ask.GroupAdd(ROOT, "staff", "the staff"))
    await node.ask(ask.UserChange(ROOT, ALICE, groups=["staff"]))
    await node.ask(ask.RoleAdd(ROOT, "Looker", ["Sys.Audit"]))
    await node.ask(ask.AclChange(ROOT, "/nodes", ["Looker"], groups=["staff"], propagate=False))
    assert await node.ask(ask.AclList(ROOT)) == [
        {"path": "/nodes", "type": "group", "ugid": "staff", "roleid": "Looker", "propagate": 0}
    ]
    assert await node.ask(ask.HeldRights(ALICE, "/nodes")) == {"Sys.Audit": 0}
    assert await node.ask(ask.Permissions(ALICE)) == {"/nodes": {"Sys.Audit": 0}}
    assert (await login(node, ALICE, PASSWORD))["cap"]["nodes"] == {"Sys.Audit": 1}  # type: ignore[index]
    await refused(node, ask.RoleRemove(ROOT, "Looker"), Conflict)
    await node.ask(ask.AclChange(ROOT, "/nodes", ["Looker"], groups=["staff"], delete=True))
    await node.ask(ask.RoleRemove(ROOT, "Looker"))
    assert await node.ask(ask.Permissions(ALICE)) == {}


async def test_an_administrator_of_users_cannot_reach_root_or_beyond_its_realm(node: Alone) -> None:
    await node.ask(ask.AclChange(ROOT, "/access/groups", ["PVEUserAdmin"], users=[ALICE]))
    await node.ask(ask.AclChange(ROOT, "/access/realm/pve", ["PVEUserAdmin"], users=[ALICE]))
    await node.ask(ask.UserAdd(ALICE, CHARLIE, "a good password"))
    await node.ask(ask.PasswordChange(ALICE, CHARLIE, "another password", PASSWORD))
    await node.ask(ask.UserRemove(ALICE, CHARLIE))
    await refused(node, ask.UserAdd(ALICE, "charlie@pam"))
    await refused(node, ask.UserChange(ALICE, ROOT, comment="mine"))
    await refused(node, ask.TokenAdd(ALICE, ROOT, "mine", privsep=False))
    await refused(node, ask.PasswordChange(ALICE, ROOT, "a good password", PASSWORD))
    await refused(node, ask.AclChange(ALICE, "/", ["Administrator"], users=[ALICE]))
    await refused(node, ask.RoleAdd(ALICE, "Mine", ["Sys.Modify"]))
    await refused(node, ask.RealmShow(ALICE, "pve"))


async def test_an_administrator_of_one_group_s_users_is_that_only(node: Alone) -> None:
    await node.ask(ask.GroupAdd(ROOT, "staff"))
    await node.ask(ask.UserChange(ROOT, BOB, groups=["staff"]))
    await node.ask(ask.UserAdd(ROOT, CHARLIE))
    await node.ask(ask.AclChange(ROOT, "/access/groups/staff", ["PVEUserAdmin"], users=[ALICE]))
    await node.ask(ask.UserChange(ALICE, BOB, comment="one of mine"))
    await refused(node, ask.UserChange(ALICE, CHARLIE, comment="not mine"))
    assert [row["userid"] for row in await node.ask(ask.UserList(ALICE))] == [ALICE, BOB]
    assert [row["groupid"] for row in await node.ask(ask.GroupList(ALICE))] == ["staff"]
    assert await node.ask(ask.GroupList(BOB)) == [] and await node.ask(ask.AclList(BOB)) == []


async def test_whoever_may_allocate_a_thing_gives_at_most_what_it_has(node: Alone) -> None:
    await node.ask(ask.AclChange(ROOT, "/vms/100", ["PVEVMAdmin"], users=[ALICE]))
    await node.ask(ask.AclChange(ALICE, "/vms/100", ["PVEVMUser"], users=[BOB]))
    await refused(node, ask.AclChange(ALICE, "/vms/100", ["PVEAdmin"], users=[BOB]))
    await refused(node, ask.AclChange(ALICE, "/vms", ["PVEVMUser"], users=[BOB]))
    await refused(node, ask.AclChange(ALICE, "/nodes/alpha", ["PVEVMUser"], users=[BOB]))


async def test_who_is_unknown_or_disabled_may_ask_nothing(node: Alone) -> None:
    for user in (CHARLIE, f"{CHARLIE}!t", "", "root@pam!none"):
        for request in (ask.UserList(user), ask.RoleList(user), base.StoreList("", user=user)):
            await refused(node, request, Unauthenticated)
        assert await node.ask(ask.HeldRights(user, "/")) == {}


async def test_others_permissions_take_a_privilege(node: Alone) -> None:
    await node.ask(ask.TokenAdd(ALICE, ALICE, "ci"))
    await node.ask(ask.Permissions(ALICE, f"{ALICE}!ci"))
    await refused(node, ask.Permissions(ALICE, BOB))
    await refused(node, ask.Permissions(f"{ALICE}!ci", BOB))
    await node.ask(ask.AclChange(ROOT, "/access", ["PVEAuditor"], users=[ALICE]))
    assert await node.ask(ask.Permissions(ALICE, ROOT, "/")) != {"/": {}}


def test_every_request_there_is_says_who_may() -> None:
    kinds = {kind for kind in REQUESTS.values() if kind.__module__.startswith("cluster.control.")}
    assert kinds == set(needs.NEEDS) | needs.OPEN
    assert not set(needs.NEEDS) & needs.OPEN
    assert [kind.__name__ for kind in needs.NEEDS if "user" not in kind.__struct_fields__] == []


# --- realms, and what goes together -----------------------------------------------------------------------------------


async def test_realms_are_listed_for_everybody_and_changed_with_their_secret(node: Alone) -> None:
    settings = {"server1": "10.0.0.5", "base_dn": "dc=example", "user_attr": "uid", "default": "1"}
    await node.ask(ask.RealmAdd(ROOT, "office", "ldap", settings, "bind secret"))
    assert [row["realm"] for row in await node.ask(ask.RealmList())] == ["pam", "pve", "office"]
    shown = await node.ask(ask.RealmShow(ROOT, "office"))
    assert shown["default"] == 1 and "bind secret" not in str(shown)
    assert text(node, "priv/realm/office.pw") == "bind secret"
    await refused(node, ask.RealmChange(ROOT, "office", {"port": "636"}, digest="0" * 40), Conflict)
    await node.ask(ask.RealmChange(ROOT, "office", {"port": "636"}, digest=shown["digest"]))
    await node.ask(ask.RealmRemove(ROOT, "office"))
    await refused(node, ask.RealmShow(ROOT, "office"), NotFound)
    assert text(node, "priv/realm/office.pw") == ""


async def test_a_user_and_its_password_are_made_in_one_change(node: Alone) -> None:
    before = node.daemon.life.replica.machine.log.commit.index
    await node.ask(ask.UserAdd(ROOT, CHARLIE, "a good password"))
    assert node.daemon.life.replica.machine.log.commit.index == before + 1


async def test_changes_that_meet_are_all_made(node: Alone) -> None:
    await asyncio.gather(*(node.ask(ask.GroupAdd(ROOT, f"group{number}")) for number in range(5)))
    assert len(await node.ask(ask.GroupList(ROOT))) == 5


@pytest.mark.slow
async def test_a_user_of_the_host_signs_in_only_when_it_is_a_user_here(node: Alone, account: str) -> None:
    user = f"{account}@pam"
    await refused(node, base.Login(user, HOST_PASSWORD), Unauthenticated)
    await node.ask(ask.UserAdd(ROOT, user))
    await login(node, user, HOST_PASSWORD)
    await asyncio.to_thread(subprocess.run, ["chage", "-E", "2000-01-01", account], check=True)
    await refused(node, base.Login(user, HOST_PASSWORD), Unauthenticated)


async def test_verifying_begins_no_session_and_a_password_alone_does_not_do_for_who_has_a_second_factor(
    node: Alone,
) -> None:
    answer = await node.ask(base.Login(ALICE, PASSWORD, verify=True))
    assert answer.keys() == {"username", "cap"}
    await node.ask(ask.FactorAdd(ALICE, ALICE, "recovery", password=PASSWORD))
    await refused(node, base.Login(ALICE, PASSWORD, verify=True), Unauthenticated)
