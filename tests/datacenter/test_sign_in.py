"""Signing in, out, and staying signed in across a join, as a browser sees it."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

import pytest

from cluster.control import requests as ask
from cluster.errors import Busy, Unavailable
from datacenter.access import cookie, tickets
from datacenter.access.masks import uncovered
from tests.datacenter.conftest import Visitor, cookie_of, text, ticket
from tests.datacenter.fake_daemon import PASSWORD, ROOT, FakeDaemon


@pytest.mark.parametrize("path", ["/", "/datacenter/cluster", "/datacenter/summary", "/nodes/alpha"])
async def test_a_stranger_gets_the_form_at_the_address_that_was_asked_for(stranger: Visitor, path: str) -> None:
    response = await stranger.get(path)
    assert response.status_code == 200
    assert "<form" in text(response) and f'name="next" value="{path}"' in text(response)
    assert "alpha" not in text(response).replace("/nodes/alpha", ""), "a stranger learns nothing of the cluster"


async def test_the_right_password_leads_to_the_page_with_a_cookie_no_script_can_read(stranger: Visitor) -> None:
    response = await stranger.sign_in(next="/datacenter/summary")
    assert (response.status_code, response["Location"]) == (303, "/datacenter/summary")
    cookie = response.cookies[cookie_of(1)]
    assert unquote(cookie.value) == ticket(1)
    assert cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Strict" and cookie["path"] == "/"
    assert (await stranger.get("/datacenter/summary")).status_code == 200


async def test_a_wrong_password_is_told_at_the_form_and_the_name_stays(stranger: Visitor) -> None:
    response = await stranger.sign_in("wrong horse", username="alice", realm="pve", next="/nodes/alpha")
    page = text(response)
    assert response.status_code == 401
    assert "The user name or the password is not right." in page
    assert 'value="alice"' in page and '<option value="pve" selected>' in page and 'value="/nodes/alpha"' in page
    assert "wrong horse" not in page and not response.cookies


async def test_a_realm_may_be_typed_with_the_name(stranger: Visitor, daemon: FakeDaemon) -> None:
    assert (await stranger.sign_in(username="root@pam", realm="pve")).status_code == 303
    assert daemon.last(ask.Login).username == ROOT


@pytest.mark.parametrize("fields", [{"username": ""}, {"password": ""}])
async def test_an_empty_field_is_not_a_failed_attempt(
    stranger: Visitor, daemon: FakeDaemon, fields: dict[str, str]
) -> None:
    response = await stranger.sign_in(**{"password": PASSWORD, **fields})
    assert response.status_code == 400 and "Enter a user name and a password." in text(response)
    assert not [request for request in daemon.asked if isinstance(request, ask.Login)]


@pytest.mark.parametrize(
    "wanted", ["//evil.example/", "\\\\evil.example", "/\\evil.example", "https://evil.example", "javascript:go()", ""]
)
async def test_t34_signing_in_never_leads_to_another_site(stranger: Visitor, wanted: str) -> None:
    assert (await stranger.sign_in(next=wanted))["Location"] == "/"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_a_form_of_another_site_signs_nobody_in(stranger: Visitor, site: str) -> None:
    stranger.headers["Sec-Fetch-Site"] = site
    response = await stranger.sign_in()
    assert response.status_code == 401 and not response.cookies


async def test_a_busy_daemon_is_said_so(stranger: Visitor, daemon: FakeDaemon) -> None:
    daemon.refusals[ask.Login] = Busy("Too many sign-ins at once.")
    response = await stranger.sign_in()
    assert response.status_code == 503 and "Too many sign-ins at once." in text(response)


async def test_signing_out_takes_the_cookie_back(visitor: Visitor) -> None:
    response = await visitor.post("/session/sign-out")
    assert response["HX-Redirect"] == "/" and response.cookies[cookie_of(1)]["max-age"] == 0
    assert "<form" in text(await visitor.get("/"))


async def test_signing_out_needs_the_anti_forgery_token(visitor: Visitor) -> None:
    del visitor.headers["CSRFPreventionToken"]
    assert (await visitor.post("/session/sign-out")).status_code == 403


async def test_a_daemon_that_does_not_answer_signs_nobody_out(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.refusals[ask.CheckTicket] = Unavailable("The daemon of this node does not answer.")
    response = await visitor.get("/")
    assert response.status_code == 503
    assert "The daemon of this node does not answer." in text(response) and "<form" not in text(response)


async def test_a_page_carries_a_fresh_ticket_and_its_token(visitor: Visitor) -> None:
    response = await visitor.get("/")
    assert unquote(response.cookies[cookie_of(1)].value) == ticket(1)
    token = re.search(r'"CSRFPreventionToken": "([^"]+)"', text(response))
    assert token and uncovered(token[1]) == "00000001:root@pam"


async def test_a_fragment_for_a_stranger_asks_the_page_to_sign_in(stranger: Visitor) -> None:
    response = await stranger.htmx("/datacenter/cluster/create")
    assert (response.status_code, response["HX-Trigger"], text(response)) == (401, "quire:signed-out", "")


# --- after a join -----------------------------------------------------------------------------------------------------


async def test_after_a_join_the_former_ticket_is_changed_for_a_new_one(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon._joined()
    response = await visitor.post("/session/renew-after-join")
    assert json.loads(response.content) == {"csrf": "00000002:root@pam", "username": ROOT}
    assert unquote(response.cookies[cookie_of(2)].value) == ticket(2)


async def test_a_page_loaded_anew_after_a_join_is_signed_in_again_by_itself(
    visitor: Visitor, daemon: FakeDaemon
) -> None:
    daemon._joined()
    response = await visitor.get("/datacenter/summary")
    assert (response.status_code, response["Location"]) == (302, "/datacenter/summary")
    assert "Health" in text(await visitor.get("/datacenter/summary"))


async def test_renewing_is_refused_without_a_join_and_to_other_sites(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.life = 7  # another node's keys, no join
    assert (await visitor.post("/session/renew-after-join")).status_code == 401
    daemon.former_life = 1
    refused = await visitor.post("/session/renew-after-join", Sec_Fetch_Site="cross-site")
    assert refused.status_code == 401 and not refused.cookies


async def test_the_password_can_be_given_once_more_over_an_open_page(stranger: Visitor) -> None:
    assert "<dialog" in text(await stranger.htmx("/session/again"))
    wrong = await stranger.post("/session/again", {"username": "root", "realm": "pam", "password": "x"})
    assert wrong.status_code == 422 and "not right" in text(wrong)
    right = await stranger.post("/session/again", {"username": "root", "realm": "pam", "password": PASSWORD})
    assert right.status_code == 204
    assert json.loads(right["HX-Trigger"]) == {"quire:signed-in": {"csrf": "00000001:root@pam"}}


# --- two clusters behind one name -------------------------------------------------------------------------------------


async def test_t26_two_clusters_behind_one_host_name_keep_their_sessions_apart(
    stranger: Visitor, daemon: FakeDaemon
) -> None:
    await stranger.sign_in()
    daemon.life, first = 5, cookie_of(1)  # the other cluster, at another port of the same name
    cookie.forget()
    assert "<form" in text(await stranger.get("/account"))
    await stranger.sign_in()
    assert {first, cookie_of(5)} <= stranger.client.cookies.keys()
    assert first.startswith("__Host-") and first != cookie_of(5)
    for life in (1, 5):
        daemon.life = life
        tickets.forget_all()
        assert "<form" not in text(await stranger.get("/")), f"still signed in to the cluster of life {life}"
    daemon.life = 5
    tickets.forget_all()
    stranger.headers["CSRFPreventionToken"] = f"{5:08X}:{ROOT}"
    await stranger.post("/session/sign-out")
    daemon.life = 1
    tickets.forget_all()
    assert "<form" not in text(await stranger.get("/")), "signing out of one is not signing out of the other"


async def test_t26_a_ticket_under_another_clusters_name_opens_nothing(visitor: Visitor, daemon: FakeDaemon) -> None:
    good = visitor.client.cookies.pop(cookie_of(1)).value
    for name in (cookie_of(7), "PVEAuthCookie", "__Host-Quire-", "__host-" + cookie_of(1)[7:], cookie_of(1)[7:]):
        visitor.client.cookies.clear()
        visitor.client.cookies[name] = good
        assert "<form" in text(await visitor.get("/")), name
        assert (await visitor.htmx("/account")).status_code == 401


async def test_t26_a_cookie_that_another_host_may_set_never_stands_before_the_browsers_own(
    visitor: Visitor, daemon: FakeDaemon
) -> None:
    visitor.client.cookies["PVEAuthCookie"] = "PVE%3Aalice%40pve%3A00000001%3A%3Ac2ln"
    await visitor.get("/api2/json/version")
    asked = [request.ticket.reveal() for request in daemon.asked if isinstance(request, ask.CheckTicket)]
    assert asked == [ticket(1)]
