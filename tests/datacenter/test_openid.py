"""Signing in with OpenID Connect, against a small provider on this machine: there, back, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import AsyncClient
from joserfc import jwt
from joserfc.jwk import RSAKey

from cluster.control import access_requests as ask
from datacenter import gateway
from datacenter.access import tickets
from tests.datacenter.reader import cookie_of, text
from tests.node.alone import Alone, alone

ROOT, OWN_PAGE = "root@pam", {"Sec-Fetch-Site": "same-origin"}
CLIENT, CLIENT_KEY = "quire", "client key: with & signs"


class Provider(ThreadingHTTPServer):
    """`claims` are changed by a test; what a code is good for is noted when the browser would have signed in there."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.signs_with = self.key
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {}

    def sign_in(self, address: str) -> str:
        """What a person does there; → the code."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["client_id"] == CLIENT and asked["response_type"] == "code" and "openid" in asked["scope"]
        code = f"code{len(self.codes)}"
        self.codes[code] = asked
        return code

    def token(self, fields: dict[str, str], authorization: str) -> dict[str, str] | None:
        asked = self.codes.pop(fields["code"], None)
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        verifier = base64.urlsafe_b64encode(hashlib.sha256(fields["code_verifier"].encode()).digest()).decode()
        right = pair == "quire:client%20key%3A%20with%20%26%20signs"
        if asked is None or not right or verifier.rstrip("=") != asked["code_challenge"]:
            return None
        now_s = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "carol", "exp": now_s + 60, "nonce": asked["nonce"],
            "email": "carol@office.test", "given_name": "Carol", **self.claims,
        }  # fmt: skip
        return {"id_token": jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signs_with)}


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        issuer = self.server.issuer
        if self.path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            self.say({"issuer": issuer, **{key: f"{issuer}/{value}" for key, value in ends.items()}})
        else:
            self.say({"keys": [self.server.key.as_dict(private=False)]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        fields = {name: values[0] for name, values in parse_qs(body).items()}
        found = self.server.token(fields, self.headers.get("Authorization", ""))
        self.say(found or {"error": "invalid_grant"}, 200 if found else 400)

    def say(self, what: Any, status: int = 200) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(what).encode())

    def log_message(self, *_words: Any) -> None:
        """Nothing."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(10)


@pytest.fixture
async def node(tmp_path: Path, settings: Any, provider: Provider) -> AsyncIterator[Alone]:
    tickets.forget_all()
    settings.QUIRE_LOGIN_DELAY_S = 0
    async with alone(tmp_path / "alpha") as started:
        settings.QUIRE_SOCKET = str(started.daemon.options.socket)
        given = {"issuer-url": provider.issuer, "client-id": CLIENT, "client-key": CLIENT_KEY, "autocreate": "1"}
        await started.ask(ask.RealmAdd(ROOT, "office", "openid", given))
        yield started
        await gateway.client().close()


class Browser:
    def __init__(self) -> None:
        self.client = AsyncClient()

    async def leave(self) -> str:
        """→ the provider's address."""
        sent = {"realm": "office", "next": "/account"}
        page = await self.client.post("/session/openid", sent, headers=OWN_PAGE, secure=True)
        found = re.search(r'content="0;url=([^"]+)"', page.content.decode())
        assert found, page.content.decode()
        return html.unescape(found[1])

    async def back(self, state: str, code: str) -> Any:
        return await self.client.get("/session/openid/back", {"state": state, "code": code}, secure=True)


async def called(name: str, fields: dict[str, str]) -> Any:
    path, form = f"/api2/json/access/openid/{name}", "application/x-www-form-urlencoded"
    return (await AsyncClient().post(path, urlencode(fields), content_type=form, secure=True)).json()["data"]


def state_of(address: str) -> str:
    return parse_qs(urlsplit(address).query)["state"][0]


async def test_the_sign_in_page_offers_the_provider_and_not_as_a_realm_of_passwords(node: Alone) -> None:
    page = text(await AsyncClient().get("/", headers=OWN_PAGE, secure=True))
    assert "Sign in with office" in page and '<option value="office"' not in page


async def test_who_comes_for_the_first_time_is_made_and_signed_in(node: Alone, provider: Provider) -> None:
    browser = Browser()
    address = await browser.leave()
    arrived = await browser.back(state_of(address), provider.sign_in(address))
    assert arrived.status_code == 200 and 'content="0;url=/account"' in text(arrived)
    assert arrived.cookies[cookie_of(node)]["samesite"] == "Strict"
    assert "carol@office" in text(await browser.client.get("/account", secure=True))
    shown = await node.ask(ask.UserShow(ROOT, "carol@office"))
    assert (shown["firstname"], shown["email"]) == ("Carol", "carol@office.test")


async def test_the_api_signs_in_by_the_same_way(node: Alone, provider: Provider) -> None:
    there = "https://testserver/elsewhere"
    sent = {"realm": "office", "redirect-url": there}
    address = await called("auth-url", sent)
    answer = {"state": state_of(address), "code": provider.sign_in(address), "redirect-url": there}
    got = await called("login", answer)
    assert got["username"] == "carol@office" and got["ticket"].startswith("PVE:carol@office:")


async def test_another_browser_is_not_let_in_with_this_ones_answer(node: Alone, provider: Provider) -> None:
    address = await Browser().leave()
    stolen = await Browser().back(state_of(address), provider.sign_in(address))
    assert stolen.status_code == 401 and "did not begin to sign in here" in text(stolen)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"aud": "somebody else"}, {"iss": "http://127.0.0.1:1"}, {"exp": 1}, {"sub": "a b"},
        {"sub": "root@pam"}, {"azp": "somebody else"},
    ],
)  # fmt: skip
async def test_a_token_that_is_not_for_us_lets_nobody_in(
    node: Alone, provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    browser = Browser()
    address = await browser.leave()
    refused = await browser.back(state_of(address), provider.sign_in(address))
    assert refused.status_code == 401 and cookie_of(node) not in refused.cookies


async def test_a_token_signed_by_another_key_lets_nobody_in(node: Alone, provider: Provider) -> None:
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    browser = Browser()
    address = await browser.leave()
    assert (await browser.back(state_of(address), provider.sign_in(address))).status_code == 401


async def test_a_state_nobody_signed_a_wrong_code_and_a_disabled_user_are_refused(
    node: Alone, provider: Provider
) -> None:
    browser = Browser()
    address = await browser.leave()
    assert (await browser.back(state_of(address), "guessed")).status_code == 401
    assert (await browser.back(state_of(address) + "x", provider.sign_in(address))).status_code == 401
    await node.ask(ask.UserAdd(ROOT, "carol@office", enable=False))
    address = await browser.leave()
    assert (await browser.back(state_of(address), provider.sign_in(address))).status_code == 401


async def test_without_leave_to_make_users_a_stranger_stays_one(node: Alone, provider: Provider) -> None:
    await node.ask(ask.RealmChange(ROOT, "office", {"autocreate": "0"}))
    browser = Browser()
    address = await browser.leave()
    assert (await browser.back(state_of(address), provider.sign_in(address))).status_code == 401


async def test_a_provider_that_is_away_is_said_so(node: Alone) -> None:
    await node.ask(ask.RealmChange(ROOT, "office", {"issuer-url": "http://127.0.0.1:9"}))
    sent = {"realm": "office", "next": "/"}
    page = await AsyncClient().post("/session/openid", sent, headers=OWN_PAGE, secure=True)
    assert page.status_code == 503 and "cannot be reached" in text(page)
