"""What a page's request needs before a view may change anything, and the cookie that holds the ticket."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.http import HttpResponse

from cluster.control.requests import CheckCsrf, CheckTicket
from cluster.errors import Unavailable
from cluster.secret import Secret
from datacenter.access import cookie, tickets
from datacenter.access.sign_in import SignedIn, local_path
from datacenter.access.tickets import KEPT_MAX
from tests.api.conftest import Api
from tests.api.fake_node import CSRF, MARK, ROOT, TICKETS, FakeNode
from tests.cast import ALICE

TICKET = next(iter(TICKETS))
FORM = "application/x-www-form-urlencoded"
OURS = {"Origin": "http://testserver"}


@pytest.fixture
def browser(node: FakeNode) -> Api:
    """Signed in as root@pam at the sign-in page."""
    signed_in = Api()
    signed_in.client.cookies[cookie.PREFIX + MARK] = quote(TICKET, safe="")
    signed_in.headers = {"CSRFPreventionToken": CSRF[ROOT]}
    return signed_in


async def change(browser: Api, headers: dict[str, str], content: str = "", kind: str = FORM) -> Any:
    return await browser.client.post("/change", content, content_type=kind, headers=headers)


async def test_the_token_may_come_as_header_or_in_the_form(browser: Api) -> None:
    token = CSRF[ROOT]
    assert (await change(browser, OURS | {"CSRFPreventionToken": token})).content == b"changed"
    assert (await change(browser, OURS, f"csrf_token={token}")).content == b"changed"


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
    headers: dict[str, str], content: str, kind: str, browser: Api
) -> None:
    response = await change(browser, headers, content, kind)
    assert response.status_code == 403 and b"changed" not in response.content


async def test_looking_needs_no_token(browser: Api, node: FakeNode) -> None:
    assert (await browser.client.get("/change")).content == b"changed"
    assert node.count(CheckCsrf) == 0


async def test_a_daemon_that_cannot_check_is_no_reason_to_let_it_pass(browser: Api, node: FakeNode) -> None:
    node.refusals[CheckCsrf] = Unavailable("The store is away.")
    response = await change(browser, {"CSRFPreventionToken": CSRF[ROOT]})
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


async def test_t26_the_cookie_is_for_this_host_this_cluster_and_no_script(node: FakeNode) -> None:
    response = HttpResponse()
    await cookie.put(response, Secret(TICKET))
    (name, put), *others = response.cookies.items()
    assert name == f"__Host-Quire-{MARK}" and others == []
    assert await cookie.read({name: put.value}) == Secret(TICKET)
    assert put["secure"] and put["httponly"] and put["samesite"] == "Strict" and put["path"] == "/"
    assert put["domain"] == "" and put["max-age"] == ""  # a browser takes the name only like this
    await cookie.take_back(response)
    assert (put := response.cookies[name]).value == "" and put["max-age"] == 0


async def test_the_api_takes_both_cookies_and_a_page_the_browsers_alone(browser: Api, api: Api) -> None:
    for caller, name in ((browser, ROOT), (api, "nobody")):
        assert (await caller.get("/version")).status_code == 200
        assert (await caller.client.get("/who")).content.decode() == name


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
