"""Every address there is, found in the resolver itself: who is let in is said for each, and tried on each.

An address that is new is refused to strangers and to users without rights, or it is named here with its reason.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncClient
from django.urls import URLPattern, URLResolver, get_resolver

from cluster.control import access_requests as ask
from datacenter import gateway
from datacenter.access import cookie, tickets
from datacenter.api.permission import Combined, Permission, Privileged, Who, Within
from datacenter.api.table import ENDPOINTS
from tests.cast import ALICE
from tests.datacenter.reader import Reader
from tests.node.alone import Alone, alone

FILLED = {
    "name": "alpha", "act": "add", "upid": "UPID:alpha:1:1:1:x::root@pam:", "conflict_id": "0" * 16, "tab": "tasks",
    "form": "json",
}  # fmt: skip
# For whoever comes: what lets one in, what a browser asks for by itself, and other nodes, who bring a proof.
FOR_STRANGERS = {
    "session/sign-in", "session/second-step", "session/again", "session/openid", "session/openid/back",
    "session/renew-after-join", "session/language", "favicon.ico", "peer/history", "peer/events", "peer/standing",
}  # fmt: skip
# For whoever is signed in: one's own, what the API sifts by rights, and what tells nothing of the cluster.
FOR_ALL_SIGNED_IN = {
    "account", "datacenter/permissions", "datacenter/options", "datacenter/tasks", "datacenter/api", "session/sign-out",
    "datacenter/palette", "datacenter/log", "tasks",
}  # fmt: skip
WITHOUT_TOKEN = FOR_STRANGERS - {"session/language", "session/openid/back", "favicon.ico"}


def addresses(resolver: Any, start: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in resolver.url_patterns:
        text = start + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from addresses(each, text)
        else:
            yield text, each


FOUND = dict(addresses(get_resolver("datacenter.urls")))
PAGES = [text for text in FOUND if not text.startswith("api2/")]


def filled(text: str) -> str:
    for name, value in FILLED.items():
        text = text.replace(f"<str:{name}>", value)
    assert "<" not in text, f"say in FILLED what stands in {text}"
    return f"/{text}"


def within(text: str, places: set[str]) -> bool:
    return any(text == place or text.startswith(f"{place}/") for place in places)


@pytest.fixture(scope="module")
def asked() -> list[str]:
    return [text for text in PAGES if text not in FOR_STRANGERS]


@pytest.fixture
async def node(tmp_path: Path, settings: Any) -> AsyncIterator[Alone]:
    tickets.forget_all()
    async with alone(tmp_path / "alpha") as started:
        settings.QUIRE_SOCKET = str(started.daemon.options.socket)
        await started.ask(ask.UserAdd("root@pam", ALICE))
        yield started
        await gateway.client().close()


async def test_a_stranger_gets_the_sign_in_form_and_nothing_else(node: Alone, asked: list[str]) -> None:
    stranger = AsyncClient()
    for text in asked:
        for method in ("GET", "POST"):
            answer = await stranger.generic(method, filled(text), secure=True)
            page = answer.content.decode()
            assert answer.status_code == 405 or 'name="password"' in page, f"{method} {text}: {answer.status_code}"
            assert not answer.cookies and "csrf" not in page.lower()
            htmx = await stranger.generic(method, filled(text), headers={"HX-Request": "true"}, secure=True)
            assert (htmx.status_code, htmx.content) in ((401, b""), (405, b"")), f"{method} {text}"


async def test_a_user_without_rights_sees_what_is_named_here_and_nothing_else(node: Alone, asked: list[str]) -> None:
    alice, shown = Reader(node, ALICE), {}
    for text in asked:
        status = (await alice.get(filled(text))).status_code
        if status >= 500 or (status not in (403, 405) and not within(text, FOR_ALL_SIGNED_IN)):
            shown[text] = status
    assert shown == {}


async def test_nothing_is_changed_without_the_token_of_the_page(node: Alone, asked: list[str]) -> None:
    root = Reader(node, "root@pam")
    root.headers.pop("CSRFPreventionToken")
    for text in asked:
        assert (await root.post(filled(text))).status_code in (403, 405), text


def test_what_needs_no_token_is_named_here() -> None:
    exempt = {text for text, each in FOUND.items() if getattr(each.callback, "csrf_exempt", False)}
    assert exempt - WITHOUT_TOKEN == {text for text in FOUND if text.startswith("api2/") and "openapi" not in text}
    assert exempt >= WITHOUT_TOKEN and FOUND.keys() >= FOR_STRANGERS


def test_the_api_has_two_addresses_and_every_endpoint_is_described() -> None:
    assert len([text for text in FOUND if text.startswith("api2/")]) == 2
    open_to_all: list[str] = []
    for each in ENDPOINTS:
        name, named = f"{each.method} {each.path}", [step for step in each.path.split("/") if step.startswith("{")]
        assert each.summary.endswith(".") and len(each.summary) > 5, name
        assert {step.strip("{}") for step in named} <= set(each.parameters.__struct_fields__), name
        assert said(each.permission), f"{name} does not say who may"
        if each.method != "GET" and each.permission == Who("all"):
            open_to_all.append(name)
    assert open_to_all == [], "whoever is signed in may change these"


def said(permission: Permission) -> bool:
    if isinstance(permission, Combined):
        return all(map(said, permission.parts))
    if isinstance(permission, Privileged):
        return bool(permission.privileges) and permission.path.startswith("/")
    return permission.text.endswith(".") if isinstance(permission, Within) else permission.name in WHO


WHO = {"world", "all", "root@pam"}


async def test_the_cookie_of_programs_opens_no_page(node: Alone, asked: list[str]) -> None:
    root = Reader(node, "root@pam")
    (name, morsel), *_ = root.client.cookies.items()
    assert name.startswith(cookie.PREFIX)
    root.client.cookies.clear()
    root.client.cookies["PVEAuthCookie"] = morsel.value
    for text in asked:
        answer = await root.get(filled(text))
        assert answer.status_code == 405 or 'name="password"' in answer.content.decode(), text
