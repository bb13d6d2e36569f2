"""Second factors of a real node: added, asked for, wrong, replayed, locked; and sessions that end."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
import time_machine

from cluster.access import tfa
from cluster.control import access_requests as ask
from cluster.control import requests as base
from cluster.errors import InvalidInput, NotFound, Unauthenticated
from tests.cast import ALICE, BOB
from tests.node.access.test_requests import PASSWORD, ROOT, refused
from tests.node.alone import Alone, alone

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ADDRESS = f"otpauth://totp/Quire:alice?secret={SECRET}&issuer=Quire"


def code(ahead: int = 0) -> str:
    totp = pyotp.TOTP(SECRET)
    return totp.generate_otp(int(time.time()) // 30 + ahead)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Alone]:
    async with alone(tmp_path / "alpha") as running:
        await running.ask(ask.UserAdd(ROOT, ALICE, PASSWORD))
        await running.ask(ask.UserAdd(ROOT, BOB, PASSWORD))
        yield running


async def with_authenticator(node: Alone) -> str:
    """→ its id. The code it was proved by is of the step before, so that the one of now is still good."""
    wanted = ask.FactorAdd(ALICE, ALICE, "totp", "phone", totp=ADDRESS, value=code(-1), password=PASSWORD)
    made: str = (await node.ask(wanted))["id"]
    return made


async def half(node: Alone, user: str = ALICE) -> str:
    answer = await node.ask(base.Login(user, PASSWORD))
    assert answer["NeedTFA"] == 1 and "cap" not in answer
    return str(answer["ticket"])


async def finish(node: Alone, half_ticket: str, answer: str, user: str = ALICE) -> Any:
    return await node.ask(base.Login(user, answer, "", half_ticket))


async def test_whoever_has_an_authenticator_is_asked_for_its_code(node: Alone) -> None:
    await with_authenticator(node)
    got = await finish(node, await half(node), f"totp:{code()}")
    assert got["username"] == ALICE and got["ticket"].startswith("PVE:alice@pve:") and "cap" in got
    await node.ask(base.CheckTicket(got["ticket"]))
    assert "NeedTFA" not in await node.ask(base.Login(BOB, PASSWORD))


async def test_t24_half_a_ticket_is_good_for_nothing_else(node: Alone) -> None:
    await with_authenticator(node)
    ticket = await half(node)
    await refused(node, base.CheckTicket(ticket), Unauthenticated)
    await refused(node, base.Login(ALICE, ticket), Unauthenticated)
    await refused(node, base.Login(BOB, f"totp:{code()}", "", ticket), Unauthenticated)
    await refused(node, base.Login(ALICE, PASSWORD, "", ticket), Unauthenticated)


async def test_t19_a_used_code_is_refused_and_so_is_an_older_one(node: Alone) -> None:
    await with_authenticator(node)
    used = code()
    await finish(node, await half(node), f"totp:{used}")
    await refused(node, base.Login(ALICE, f"totp:{used}", "", await half(node)), Unauthenticated)
    await refused(node, base.Login(ALICE, f"totp:{code(-1)}", "", await half(node)), Unauthenticated)
    await finish(node, await half(node), f"totp:{code(1)}")


async def test_t19_eight_wrong_codes_lock_the_authenticator_until_it_is_unlocked(node: Alone) -> None:
    await with_authenticator(node)
    ticket = await half(node)
    wrong = next(f"{guess:06}" for guess in range(10) if f"{guess:06}" not in {code(step) for step in range(-2, 4)})
    for _ in range(8):
        await refused(node, base.Login(ALICE, f"totp:{wrong}", "", ticket), Unauthenticated)
    assert "locked" in await refused(node, base.Login(ALICE, f"totp:{code()}", "", ticket), Unauthenticated)
    index = node.daemon.life.replica.machine.log.commit.index
    for _ in range(20):  # guessing on costs the store nothing
        await refused(node, base.Login(ALICE, f"totp:{wrong}", "", ticket), Unauthenticated)
    assert node.daemon.life.replica.machine.log.commit.index == index
    rows = await node.ask(ask.UserList(ROOT))
    assert next(row for row in rows if row["userid"] == ALICE)["totp-locked"] == 1
    assert await node.ask(ask.FactorsUnlock(ROOT, ALICE)) == 1
    await finish(node, ticket, f"totp:{code()}")


async def test_recovery_codes_are_shown_once_and_good_once(node: Alone) -> None:
    await with_authenticator(node)
    made = await node.ask(ask.FactorAdd(ALICE, ALICE, "recovery", password=PASSWORD))
    stored = (node.daemon.life.tree.read(tfa.PATH) or b"").decode()
    assert len(made["recovery"]) == 10 and not any(each in stored for each in made["recovery"])
    await finish(node, await half(node), f"recovery:{made['recovery'][3]}")
    await refused(node, base.Login(ALICE, f"recovery:{made['recovery'][3]}", "", await half(node)), Unauthenticated)
    asked = node.daemon.keys.tickets().verify_challenge(await half(node), ALICE, time.time())
    assert json.loads(asked) == {"totp": True, "recovery": [0, 1, 2, 4, 5, 6, 7, 8, 9]}


async def test_a_factor_is_added_changed_and_removed_with_the_password_only(node: Alone) -> None:
    factor = await with_authenticator(node)
    await refused(node, ask.FactorAdd(ALICE, ALICE, "recovery"), InvalidInput)
    await refused(node, ask.FactorRemove(ALICE, ALICE, factor, password="wrong"), InvalidInput)
    await node.ask(ask.FactorChange(ALICE, ALICE, factor, "old phone", enable=False, password=PASSWORD))
    assert "NeedTFA" not in await node.ask(base.Login(ALICE, PASSWORD))
    shown = await node.ask(ask.FactorsOf(ALICE, ALICE))
    assert shown[0]["description"] == "old phone" and SECRET not in str(shown)
    await node.ask(ask.FactorRemove(ROOT, ALICE, factor))
    await refused(node, ask.FactorRemove(ROOT, ALICE, factor), NotFound)
    assert await node.ask(ask.FactorsList(ROOT)) == []


@pytest.mark.parametrize("address", ["", "x", "otpauth://hotp/a?secret=JBSWY3DPEHPK3PXP&counter=1", "otpauth://totp/a"])
async def test_what_is_no_authenticator_is_refused(node: Alone, address: str) -> None:
    wanted = ask.FactorAdd(ALICE, ALICE, "totp", totp=address, value="000000", password=PASSWORD)
    await refused(node, wanted, InvalidInput)


async def test_half_a_ticket_lasts_five_minutes(node: Alone) -> None:
    await with_authenticator(node)
    ticket = await half(node)
    with time_machine.travel(time.time() + 301, tick=True):
        await refused(node, base.Login(ALICE, f"totp:{code()}", "", ticket), Unauthenticated)


# --- sessions ---------------------------------------------------------------------------------------------------------


async def sign_in(node: Alone, user: str = ALICE) -> str:
    ticket: str = (await node.ask(base.Login(user, PASSWORD, "10.0.0.9")))["ticket"]
    return ticket


async def written(node: Alone) -> None:
    writing = node.daemon.access.sessions._writing
    if writing is not None:
        await writing


async def test_sessions_are_listed_and_ended_one_by_one(node: Alone) -> None:
    first, second = await sign_in(node), await sign_in(node)
    assert first != second
    await written(node)
    rows = await node.ask(ask.SessionList(ALICE, ticket=first))
    assert [(row["current"], row["address"], row["node"]) for row in sorted(rows, key=lambda row: row["issued"])] == [
        (1, "10.0.0.9", "alpha"), (0, "10.0.0.9", "alpha"),
    ]  # fmt: skip
    other = next(row["id"] for row in rows if not row["current"])
    await node.ask(ask.SessionEnd(ALICE, other))
    await refused(node, base.CheckTicket(second), Unauthenticated)
    await node.ask(base.CheckTicket(first))
    await refused(node, ask.SessionEnd(ALICE, other), NotFound)


async def test_somebody_else_s_sessions_take_a_privilege(node: Alone) -> None:
    await sign_in(node)
    await written(node)
    session = (await node.ask(ask.SessionList(ROOT, ALICE)))[0]["id"]
    await refused(node, ask.SessionEnd(BOB, session))
    await refused(node, ask.SessionList(BOB, ALICE))
    await refused(node, ask.SessionEndAll(BOB, ALICE))
    await node.ask(ask.SessionEnd(ROOT, session))


async def test_ending_all_sessions_spares_the_ones_that_begin_afterwards(node: Alone) -> None:
    tickets = [await sign_in(node) for _ in range(3)]
    await node.ask(ask.SessionEndAll(ALICE))
    for ticket in tickets[:1]:
        await refused(node, base.CheckTicket(ticket), Unauthenticated)
        await refused(node, base.Login(ALICE, ticket), Unauthenticated)
    await node.ask(base.CheckTicket(await sign_in(node)))


async def test_t23_signing_out_a_new_password_and_removal_end_tickets(node: Alone) -> None:
    ticket = await sign_in(node)
    await node.ask(ask.SignOut(ticket))
    await refused(node, base.CheckTicket(ticket), Unauthenticated)
    ticket = await sign_in(node)
    await node.ask(ask.PasswordChange(ROOT, ALICE, "another password"))
    await refused(node, base.CheckTicket(ticket), Unauthenticated)
    ticket = await sign_in(node, BOB)
    await node.ask(ask.UserRemove(ROOT, BOB))
    await node.ask(ask.UserAdd(ROOT, BOB, PASSWORD))
    await refused(node, base.CheckTicket(ticket), Unauthenticated)


async def test_a_page_that_loads_often_keeps_its_ticket_and_writes_nothing(node: Alone) -> None:
    ticket = await sign_in(node)
    await written(node)
    index = node.daemon.life.replica.machine.log.commit.index
    for _ in range(20):
        assert (await node.ask(base.Login(ALICE, ticket)))["ticket"] == ticket
    await written(node)
    assert node.daemon.life.replica.machine.log.commit.index == index


# --- keys -------------------------------------------------------------------------------------------------------------


async def test_t25_a_changed_key_leaves_tickets_their_time_and_a_removed_node_s_does_not(node: Alone) -> None:
    rotation = node.daemon.access.rotation
    ticket = await sign_in(node)
    assert not rotation.is_due()
    with time_machine.travel(time.time() + 24 * 3600 + 1, tick=True):
        assert rotation.is_due()
    await rotation.rotate()
    await node.ask(base.CheckTicket(ticket))
    newer = await sign_in(node)
    await rotation.rotate()
    await refused(node, base.CheckTicket(ticket), Unauthenticated)
    await node.ask(base.CheckTicket(newer))
    await rotation.after_removal()
    await refused(node, base.CheckTicket(newer), Unauthenticated)
    await node.ask(base.CheckTicket(await sign_in(node)))


async def test_of_two_that_change_the_key_one_does(node: Alone) -> None:
    import asyncio

    index = node.daemon.life.replica.machine.log.commit.index
    rotation = node.daemon.access.rotation
    await asyncio.gather(rotation.rotate(), rotation.rotate())
    former = node.daemon.life.tree.read("authkey.pub.old")
    assert former is not None and former != node.daemon.life.tree.read("authkey.pub")
    assert node.daemon.life.replica.machine.log.commit.index <= index + 2
    await node.ask(base.CheckTicket(await sign_in(node)))
