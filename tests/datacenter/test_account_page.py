"""One's own account over a real daemon, and signing in with what was added there."""

from __future__ import annotations

import asyncio
import html
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from django.test import AsyncClient

from cluster.control import access_requests as ask
from cluster.errors import QuireError
from cluster.secret import Secret
from datacenter import gateway
from datacenter.access import cookie, tickets
from datacenter.account.qr import code_of
from tests.cast import ALICE
from tests.datacenter.reader import Reader, cookie_of, text
from tests.node.alone import Alone, alone

PLACE, ROOT, PASSWORD = "/account", "root@pam", "correct horse"
CONFIRMED = {"confirmation-password": PASSWORD}
NOW_S = int(time.time())  # of the authenticators: a code is good whenever a slow test comes to send it
FORM = "application/x-www-form-urlencoded"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def node(tmp_path: Path, settings: Any) -> AsyncIterator[Alone]:
    tickets.forget_all()
    settings.QUIRE_LOGIN_DELAY_S = 0
    async with alone(tmp_path / "alpha", password=PASSWORD) as started:
        settings.QUIRE_SOCKET = str(started.daemon.options.socket)
        access = started.daemon.access
        access.factors._now_s = access.enrolment._now_s = lambda: NOW_S
        await started.ask(ask.UserAdd(ROOT, ALICE, password=PASSWORD))
        yield started
        await gateway.client().close()


@pytest.fixture
def alice(node: Alone) -> Reader:
    return Reader(node, ALICE)


async def form(path: str, **fields: str) -> Any:
    return await AsyncClient().post(path, fields, headers=OWN_PAGE, secure=True)


def field(answer: Any, name: str) -> str:
    """What the browser would send back: half a ticket has quotes in it."""
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found, f"there is no field {name}"
    return html.unescape(found[1])


async def with_authenticator(alice: Reader) -> pyotp.TOTP:
    dialog = await alice.get(f"{PLACE}/factors/totp")
    address = field(dialog, "totp")
    made = pyotp.parse_uri(address)
    assert isinstance(made, pyotp.TOTP) and "qr-dark" in text(dialog)
    code = made.at(NOW_S - 30)
    answer = await alice.post(f"{PLACE}/factors/totp", totp=address, value=code, password=PASSWORD, description="phone")
    assert answer.status_code == 200 and "phone" in text(answer)
    return made


async def sessions_written(node: Alone) -> None:
    """What began is listed a moment later, together with what else did."""
    async with asyncio.timeout(30):
        while not await node.ask(ask.SessionList(ALICE, ALICE, Secret())):  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.05)


async def sign_in(password: str = PASSWORD) -> Any:
    return await form("/session/sign-in", username="alice", realm="pve", password=password, next="/account")


async def test_the_sign_in_page_lists_the_realms_of_the_cluster(node: Alone) -> None:
    settings = {
        "server1": "ldap.test",
        "base_dn": "dc=test",
        "user_attr": "uid",
        "comment": "The office",
        "default": "1",
    }
    more = {"comment": "The office", "default": "1"}
    await node.ask(ask.RealmAdd(ROOT, "office", "ldap", {**settings, **more}))
    page = text(await AsyncClient().get("/", headers=OWN_PAGE, secure=True))
    assert '<option value="office" selected>The office' in page and '<option value="pve" >' in page


async def test_an_authenticator_is_proved_by_its_code_and_asked_for_at_sign_in(node: Alone, alice: Reader) -> None:
    made = await with_authenticator(alice)
    first = await sign_in()
    assert first.status_code == 200 and cookie_of(node) not in first.cookies
    page = text(first)
    assert "Code of your authenticator" in page and 'name="next" value="/account"' in page
    half = {"username": ALICE, "ticket": field(first, "ticket"), "next": "/account"}
    wrong = await form("/session/second-step", **half, code="000000")
    assert wrong.status_code == 401 and "The code is not right" in text(wrong) and field(wrong, "ticket")
    right = await form("/session/second-step", **half, code=made.at(NOW_S))
    assert (right.status_code, right["Location"]) == (303, "/account") and right.cookies[cookie_of(node)].value


@pytest.mark.parametrize(
    ("changed", "field"), [({"value": "000000"}, "value"), ({"password": "wrong horse"}, "password")]
)
async def test_a_wrong_code_or_password_adds_no_authenticator(
    node: Alone, alice: Reader, changed: dict[str, str], field: str
) -> None:
    address = f"otpauth://totp/Quire:alice?secret={pyotp.random_base32()}"
    sent = {"totp": address, "value": pyotp.TOTP(pyotp.parse_uri(address).secret).at(NOW_S), "password": PASSWORD}
    answer = await alice.post(f"{PLACE}/factors/totp", **{**sent, **changed})
    assert answer.status_code == 422 and f'data-field="{field}"' in text(answer)
    assert await node.ask(ask.FactorsOf(ALICE, ALICE)) == []


async def test_recovery_codes_are_shown_once_and_each_signs_in_once(alice: Reader) -> None:
    await with_authenticator(alice)
    shown = text(await alice.post(f"{PLACE}/factors/recovery", password=PASSWORD))
    codes = re.findall(r"\b[0-9a-f]{4}(?:-[0-9a-f]{4}){3}\b", shown)
    assert len(codes) == 10 and codes[0] not in await alice.page(PLACE)
    for code, status in ((codes[0], 303), (codes[0], 401), (codes[1], 303)):
        half = field(await sign_in(), "ticket")
        answer = await form("/session/second-step", username=ALICE, ticket=half, code=code)
        assert answer.status_code == status


async def test_the_dialog_over_a_page_asks_for_the_second_factor_too(alice: Reader) -> None:
    made = await with_authenticator(alice)
    asked = await form("/session/again", username="alice", realm="pve", password=PASSWORD)
    assert asked["HX-Retarget"] == "#again-slot"
    done = await form("/session/again", username=ALICE, ticket=field(asked, "ticket"), code=made.at(NOW_S))
    assert done.status_code == 204 and "quire:signed-in" in done["HX-Trigger"]


async def test_a_security_keys_registration_begins_with_a_challenge(alice: Reader) -> None:
    answer = await alice.post(f"{PLACE}/factors/webauthn", password=PASSWORD, description="blue")
    assert answer["HX-Retarget"] == "#webauthn-ask" and "data-webauthn-create" in text(answer)
    assert field(answer, "challenge").startswith("PVE:!tfa!")


async def test_a_new_password_ends_the_sessions_and_opens_the_door(node: Alone, alice: Reader) -> None:
    sent = {"userid": ALICE, "password": "another horse", "again": "another horse", "confirmation-password": PASSWORD}
    other = await alice.post(f"{PLACE}/me/password", **{**sent, "again": "a third horse"})
    assert other.status_code == 422 and 'data-field="again"' in text(other)
    wrong = await alice.post(f"{PLACE}/me/password", **{**sent, "confirmation-password": "wrong horse"})
    assert wrong.status_code == 422 and 'data-field="confirmation-password"' in text(wrong)
    assert (await alice.post(f"{PLACE}/me/password", **sent))["HX-Redirect"] == PLACE
    tickets.forget_all()
    assert "Sign in to" in text(await alice.get(PLACE))
    assert (await sign_in("another horse")).status_code == 303


async def test_nobody_changes_anothers_password_by_naming_them(node: Alone, alice: Reader) -> None:
    await node.ask(ask.UserAdd(ROOT, "bob@pve", password=PASSWORD))
    sent = {"password": "another horse", "again": "another horse", "confirmation-password": PASSWORD}
    assert (await alice.post(f"{PLACE}/me/password", userid="bob@pve", **sent)).status_code == 422


WAYS = [
    ("me/password", "confirmation-password", {"password": "a new horse", "again": "a new horse"}),
    ("factors/recovery", "password", {}),
    ("factors/webauthn", "password", {"description": "blue"}),
    ("tokens/add", "confirmation-password", {"tokenid": "ci", "privsep": "1"}),
    ("tokens/edit", "confirmation-password", {"tokenid": "old", "privsep": ""}),
    ("tokens/regenerate", "confirmation-password", {"tokenid": "old"}),
    ("sessions/end-all", "confirmation-password", {}),
]


@pytest.mark.parametrize("user", [ALICE, ROOT])
async def test_a_way_in_that_stays_takes_the_password_once_more(node: Alone, user: str) -> None:
    here = Reader(node, user)
    await node.ask(ask.TokenAdd(ROOT, user, "old"))
    for address, field, more in WAYS:
        sent = {**more, "userid": user}
        dialog = await here.get(f"{PLACE}/{address}", **{key: sent.get(key, "") for key in ("userid", "tokenid")})
        assert f'name="{field}"' in text(dialog), address
        for given in ({}, {field: "wrong horse"}):
            node.daemon.access.throttle._known.clear()
            answer = await here.post(f"{PLACE}/{address}", **sent, **given)
            assert answer.status_code == 422 and f'data-field="{field}"' in text(answer), address


async def test_a_browsers_session_is_asked_by_the_api_as_well_and_a_program_is_not(node: Alone, alice: Reader) -> None:
    """A script that got into a page has the page's session, and not the ticket itself."""
    place, ticket = f"/api2/json/access/users/{ALICE}/token/ci", alice.client.cookies[cookie_of(node)].value
    refused = await alice.client.post(place, b"", FORM, headers=alice.headers, secure=True)
    assert refused.status_code == 400 and "confirmation-password" in refused.json()["errors"]
    alice.client.cookies.clear()
    header = {**alice.headers, "Authorization": f"PVEAuthCookie={ticket}"}
    made = await alice.client.post(place, b"", FORM, headers=header, secure=True)
    assert made.status_code == 200 and made.json()["data"]["value"]


async def test_ones_tokens_are_ones_own_whoever_is_named(node: Alone, alice: Reader) -> None:
    made = text(await alice.post(f"{PLACE}/tokens/add", userid=ROOT, tokenid="ci", privsep="1", **CONFIRMED))
    assert f'value="{ALICE}!ci"' in made
    assert f"{ALICE}!ci" in await alice.page(PLACE)
    removed = await alice.post(f"{PLACE}/tokens/remove", userid=ALICE, tokenid="ci")
    assert f"{ALICE}!ci" not in text(removed)


async def test_sessions_are_listed_and_ended_one_by_one_and_all(node: Alone, alice: Reader) -> None:
    there = await sign_in()
    ticket = cookie.ticket_in(there.cookies[cookie_of(node)].value)
    await sessions_written(node)
    page = await alice.page(PLACE)
    found = re.search(r"sessions/end\?id=(\w+)", page)
    assert found and "127.0.0.1" in page
    assert (await alice.post(f"{PLACE}/sessions/end", id=found[1])).status_code == 200
    with pytest.raises(QuireError):
        await node.ask(ask.SessionList(ALICE, ALICE, ticket))
    assert (await alice.post(f"{PLACE}/sessions/end-all")).status_code == 422
    assert (await alice.post(f"{PLACE}/sessions/end-all", **CONFIRMED))["HX-Redirect"] == "/"
    tickets.forget_all()
    assert "Sign in to" in text(await alice.get(PLACE))


async def test_a_user_of_the_host_is_told_where_the_password_is_kept(node: Alone) -> None:
    page = await Reader(node, ROOT).page(PLACE)
    assert 'disabled title="The password of this user is kept by its realm, not here."' in page


def test_a_qr_code_is_square_and_has_a_border() -> None:
    code = code_of("otpauth://totp/Quire:alice@pve?secret=ABCDEFGHIJKLMNOP")
    assert code.size > 29 and code.path.startswith("M4 4h1v1h-1z") and "M0 " not in code.path
