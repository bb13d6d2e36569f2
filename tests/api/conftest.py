"""A fake node behind the site, and a client that speaks to the API as programs do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

import msgspec
import pytest
from django.http import HttpResponse
from django.test import AsyncClient

from datacenter import gateway
from datacenter.access import tickets
from datacenter.api.dispatch import find
from tests.api.fake_node import CSRF, TICKETS, FakeNode


class Api:
    """Calls and what they answered. Signed in as somebody or not; tokens are sent unless a test says otherwise."""

    def __init__(self, form: str = "json") -> None:
        self.client = AsyncClient()
        self.form = form
        self.headers: dict[str, str] = {}

    def sign_in(self, user: str = "root@pam") -> Api:
        ticket = next(ticket for ticket, owner in TICKETS.items() if owner == user)
        self.client.cookies["PVEAuthCookie"] = quote(ticket, safe="")
        self.headers = {"CSRFPreventionToken": CSRF[user]}
        return self

    async def call(self, method: str, path: str, /, headers: dict[str, str] | None = None, **params: Any) -> Any:
        address, body, kind = f"/api2/{self.form}{path}", "", ""
        if method in ("GET", "DELETE"):
            address += "?" + urlencode(params, doseq=True) if params else ""
        else:
            body, kind = urlencode(params, doseq=True), "application/x-www-form-urlencoded"
        response = await self.client.generic(
            method, address, body, content_type=kind, headers=self.headers if headers is None else headers
        )
        check_answer(method, path, self.form, response)
        return response

    async def get(self, path: str, /, **params: Any) -> Any:
        return await self.call("GET", path, **params)

    async def post(self, path: str, /, **params: Any) -> Any:
        return await self.call("POST", path, **params)

    async def delete(self, path: str, /, **params: Any) -> Any:
        return await self.call("DELETE", path, **params)


def check_answer(method: str, path: str, form: str, response: HttpResponse) -> None:
    """Whatever an endpoint answers is what its description says. Raises msgspec.ValidationError."""
    found = find(method, [unquote(segment) for segment in path.split("/") if segment])
    if found is None or response.status_code != 200 or not response.content:
        return
    envelope = msgspec.json.decode(response.content)
    if form == "json" or envelope["success"]:
        msgspec.convert(envelope["data"], found[0].returns)


def data(response: HttpResponse) -> Any:
    assert response.status_code == 200, response.content
    return json.loads(response.content)["data"]


def body(response: HttpResponse) -> Any:
    return json.loads(response.content)


@pytest.fixture
async def node(tmp_path: Path, settings: Any) -> AsyncIterator[FakeNode]:
    settings.ROOT_URLCONF = "tests.api.urls"
    settings.QUIRE_SOCKET = str(tmp_path / "control.sock")
    settings.QUIRE_LOGIN_DELAY_S = 0
    tickets.forget_all()
    fake = FakeNode(tmp_path / "control.sock")
    await fake.start()
    yield fake
    await gateway.client().close()
    await fake.stop()


@pytest.fixture
def api(node: FakeNode) -> Api:
    """Signed in as root@pam."""
    return Api().sign_in()


@pytest.fixture
def stranger(node: FakeNode) -> Api:
    return Api()
