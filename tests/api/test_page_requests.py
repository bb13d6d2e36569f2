"""What a page's request needs before a view may change anything, and the cookie that holds the ticket."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from cluster.control.requests import CheckCsrf, CheckTicket
from cluster.errors import Unavailable
from cluster.secret import Secret
from datacenter.access import tickets
from datacenter.access.sign_in import SignedIn, clear_ticket, local_path, set_ticket
from datacenter.access.tickets import KEPT_MAX
from tests.api.conftest import Api
from tests.api.fake_node import CSRF, ROOT, TICKETS, FakeNode
from tests.cast import ALICE

TICKET = next(iter(TICKETS))
FORM = "application/x-www-form-urlencoded"
OURS = {"Origin": "http://testserver"}


async def change(api: Api, headers: dict[str, str], content: str = "", kind: str = FORM) -> Any:
    return await api.client.post("/change", content, content_type=kind, headers=headers)


async def test_the_token_may_come_as_header_or_in_the_form(api: Api) -> None:
    token = CSRF[ROOT]
    assert (await change(api, OURS | {"CSRFPreventionToken": token})).content == b"changed"
    assert (await change(api, OURS, f"csrf_token={token}")).content == b"changed"


@pytest.mark.parametrize(
    ("headers", "content", "kind"),
    [
        ({}, "", FORM),
        (OURS, "", FORM),
        (OURS | {"CSRFPreventionToken": CSRF[ALICE]}, "", FORM),
        (OURS | {"CSRFPreventionToken": "x" * 9999}, "", FORM),
        (OURS, f"csrf_token={CSRF[ROOT]}", "text/plain"),
        ({"Origin": "null", "CSRFPreventionToken": CSRF[ROOT]}, "", FORM),
        ({"Origin": "https://testserver", "CSRFPreventionToken": CSRF[ROOT]}, "", FORM),
        ({"Origin": "http://testserver:8006", "CSRFPreventionToken": CSRF[ROOT]}, "", FORM),
        ({"Origin": "http://testserver.", "CSRFPreventionToken": CSRF[ROOT]}, "", FORM),
        ({"Origin": "HTTP://TESTSERVER", "CSRFPreventionToken": CSRF[ROOT]}, "", FORM),
    ],
)
async def test_t31_a_request_another_site_could_have_made_is_refused(
    headers: dict[str, str], content: str, kind: str, api: Api
) -> None:
    response = await change(api, headers, content, kind)
    assert response.status_code == 403 and b"changed" not in response.content


async def test_looking_needs_no_token(api: Api, node: FakeNode) -> None:
    assert (await api.client.get("/change")).content == b"changed"
    assert node.count(CheckCsrf) == 0


async def test_a_daemon_that_cannot_check_is_no_reason_to_let_it_pass(api: Api, node: FakeNode) -> None:
    node.refusals[CheckCsrf] = Unavailable("The store is away.")
    response = await change(api, {"CSRFPreventionToken": CSRF[ROOT]})
    assert response.status_code == 503 and b"The store is away." in response.content


async def test_good_tickets_are_remembered_bad_ones_are_not(node: FakeNode) -> None:
    assert (await tickets.signed_in(Secret(TICKET))).username == ROOT
    await tickets.signed_in(Secret(TICKET))
    assert node.count(CheckTicket) == 1
    for number in range(3):
        with pytest.raises(Exception, match="not valid"):
            await tickets.signed_in(Secret(f"PVE:root@pam:{number}"))
    assert node.count(CheckTicket) == 4
    tickets.forget(Secret(TICKET))
    await tickets.signed_in(Secret(TICKET))
    assert node.count(CheckTicket) == 5


async def test_what_is_remembered_is_bounded_and_ends() -> None:
    kept = tickets.Kept()
    for number in range(KEPT_MAX + 10):
        kept.put(str(number).encode(), ROOT)
    assert kept.get(b"0") is None and kept.get(str(KEPT_MAX + 9).encode()) == ROOT
    assert len(kept._names) == KEPT_MAX
    kept._names[b"old"] = (0.0, ROOT)
    assert kept.get(b"old") is None


def test_the_cookie_is_for_this_site_and_no_script() -> None:
    response = HttpResponse()
    set_ticket(response, Secret(TICKET))
    cookie = response.cookies["PVEAuthCookie"]
    assert tickets.read_ticket({"PVEAuthCookie": cookie.value}) == Secret(TICKET)
    assert cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/"
    assert cookie["max-age"] == ""
    clear_ticket(response)
    assert (cookie := response.cookies["PVEAuthCookie"]).value == "" and cookie["max-age"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "//evil",
        "\\\\evil",
        "/\\evil",
        "javascript:alert(1)",
        "https://evil/",
        "evil",
        "",
        "/a\nb",
        "///evil",
        "/\t/evil",
    ],
)
def test_t34_after_signing_in_one_stays_on_this_site(text: str) -> None:
    assert local_path(text) == "/"


def test_a_path_of_this_site_is_kept() -> None:
    assert local_path("/nodes/alpha?tab=tasks") == "/nodes/alpha?tab=tasks"


def test_a_signed_in_user_is_shown_without_the_ticket() -> None:
    assert TICKET not in repr(SignedIn(ROOT, Secret(TICKET)))
