"""A fake daemon behind the pages, and a browser's view of them without a browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.http import HttpResponse
from django.test import AsyncClient

from datacenter import gateway
from datacenter.access import tickets
from datacenter.access.cookie import PREFIX
from tests.datacenter.fake_daemon import PASSWORD, ROOT, FakeDaemon, mark_of

ORIGIN = {"Sec-Fetch-Site": "same-origin"}
HTMX = {"HX-Request": "true"}


class Visitor:
    """Asks for pages over https as a browser would; `signed_in` carries root@pam's ticket and token."""

    def __init__(self, daemon: FakeDaemon, signed_in: bool) -> None:
        self.client = AsyncClient()
        self.headers = dict(ORIGIN)
        if signed_in:
            self.client.cookies[cookie_of(daemon.life)] = quote(ticket(daemon.life), safe="")
            self.headers["CSRFPreventionToken"] = f"{daemon.life:08X}:{ROOT}"

    async def get(self, path: str, /, **headers: str) -> Any:
        return await self.client.get(path, headers={**self.headers, **_named(headers)}, secure=True)

    async def htmx(self, path: str, /) -> Any:
        return await self.client.get(path, headers={**self.headers, **HTMX}, secure=True)

    async def post(self, path: str, fields: dict[str, Any] | None = None, /, **headers: str) -> Any:
        sent = {**self.headers, **HTMX, **_named(headers)}
        return await self.client.post(path, fields or {}, headers=sent, secure=True)

    async def sign_in(self, password: str = PASSWORD, **more: str) -> Any:
        fields = {"username": "root", "realm": "pam", "password": password, "next": "/", **more}
        return await self.client.post("/session/sign-in", fields, headers=self.headers, secure=True)


def cookie_of(life: int) -> str:
    return PREFIX + mark_of(life)


def ticket(life: int) -> str:
    return f"PVE:{ROOT}:{life:08X}::c2ln+/="


def text(response: HttpResponse) -> str:
    return response.content.decode()


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
async def daemon(tmp_path: Path, settings: Any) -> AsyncIterator[FakeDaemon]:
    settings.QUIRE_SOCKET = str(tmp_path / "control.sock")
    settings.QUIRE_LOGIN_DELAY_S = 0
    tickets.forget_all()
    fake = FakeDaemon(tmp_path / "control.sock")
    await fake.start()
    yield fake
    await gateway.client().close()
    await fake.stop()


@pytest.fixture
def visitor(daemon: FakeDaemon) -> Visitor:
    """Signed in as root@pam."""
    return Visitor(daemon, signed_in=True)


@pytest.fixture
def stranger(daemon: FakeDaemon) -> Visitor:
    return Visitor(daemon, signed_in=False)
