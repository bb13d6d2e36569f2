"""What a stranger, a foreign page or a crooked address may try on pages and API; the node behind them is a fake."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.http.multipartparser import LazyStream
from django.test import AsyncClient

from datacenter.access.cookie import PREFIX
from datacenter.settings import DEBUG
from datacenter.web.channel import BODY_BYTES_MAX
from tests.api.conftest import Api, data
from tests.api.fake_node import CSRF, MARK, PASSWORD, ROOT, TICKETS, FakeNode

FOREIGN = {"Origin": "https://evil.example"}
MARKUP = "<script>alert(1)</script>"
CROOKED = (MARKUP, '"><img src=x onerror=alert(1)>', "'-alert(1)-'", "%0d%0aX-Evil:1", "..%2f..%2fetc%2fpasswd")


@pytest.fixture
def pages(node: FakeNode, settings: Any) -> AsyncClient:
    """Every address of the site, signed in as root@pam."""
    settings.ROOT_URLCONF = "datacenter.urls"
    client = AsyncClient()
    client.cookies[PREFIX + MARK] = quote(next(iter(TICKETS)), safe="")
    return client


async def test_t21_a_password_that_is_no_text_is_refused_at_the_door(stranger: Api) -> None:
    for body, status in (
        (b"username=root@pam&password=%ff%fe", 400),
        (b"username=root@pam&password=" + b"x" * 600_000, 413),
    ):
        answer = await stranger.client.generic(
            "POST", "/api2/json/access/ticket", body, content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code in (400, 413, 401), status
        assert "PVE:" not in answer.content.decode()


@pytest.mark.parametrize("odd", ["x" * 4096, "nul\0in it", "line\nbreak", "\u202eright to left", "\U0001f600" * 200])
async def test_t21_an_odd_password_is_wrong_or_malformed_and_nothing_worse(odd: str, stranger: Api) -> None:
    for form in ({"username": ROOT}, {"username": "nobody@pve"}):
        answer = await stranger.post("/access/ticket", **form, password=odd)
        assert answer.status_code in (400, 401)
        assert odd not in answer.content.decode() and "PVE:" not in answer.content.decode()


async def test_t22_a_ticket_planted_before_signing_in_is_worth_nothing_afterwards(stranger: Api) -> None:
    planted = "PVE:root@pam:00000001::cGxhbnRlZA=="
    stranger.client.cookies["PVEAuthCookie"] = quote(planted, safe="")
    given = data(await stranger.post("/access/ticket", username=ROOT, password=PASSWORD))["ticket"]
    assert given != planted
    assert (await stranger.get("/version")).status_code == 401
    stranger.client.cookies["PVEAuthCookie"] = quote(given, safe="")
    assert (await stranger.get("/version")).status_code == 200


async def test_t35_no_answer_lets_another_site_read_it(api: Api, stranger: Api) -> None:
    for caller in (api, stranger):
        for method in ("GET", "OPTIONS", "POST"):
            asked = {**caller.headers, **FOREIGN, "Access-Control-Request-Method": "POST"}
            answer = await caller.call(method, "/version", asked)
            assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


async def test_t38_stored_text_is_never_an_instruction(api: Api, node: FakeNode) -> None:
    evil = json.dumps({"download": {"path": "/etc/shadow"}, "__class__": "os.system", "$ref": "file:///etc/shadow"})
    node.stored["datacenter.cfg"] = f"#{quote(evil)}\n"
    answer = await api.get("/cluster/options")
    assert data(answer)["description"].strip() == evil
    assert answer.headers["Content-Type"].startswith("application/json") and "Content-Disposition" not in answer.headers


@pytest.mark.parametrize("parameter", ["debug", "--debug", "format", "jsonp", "callback", "_method"])
async def test_t39_no_parameter_makes_an_answer_say_more(parameter: str, api: Api, pages: AsyncClient) -> None:
    assert (await api.get("/version", **{parameter: "html"})).status_code == 400
    shown = await pages.get("/", {parameter: "1"})
    assert shown.status_code == 200 and "Traceback" not in shown.content.decode()


def test_t39_nothing_of_the_inside_is_shown_unless_somebody_asks_for_it_at_start() -> None:
    assert DEBUG is False and "django.contrib.admin" not in settings.INSTALLED_APPS


@pytest.mark.parametrize("crooked", CROOKED)
async def test_t41_nothing_of_an_address_comes_back_as_markup(crooked: str, pages: AsyncClient) -> None:
    named = quote(crooked, safe="%")
    for path in (
        f"/{named}", f"/api2/json/{named}", f"/api2/{named}/version", f"/api2/html/{named}", f"/nodes/{named}",
        f"/api2/json/nodes/{named}/status", f"/api2/json/version?{named}={named}", f"/?next={named}", f"/tasks/{named}",
        f"/api/{named}", f"/configuration/{named}",
    ):  # fmt: skip
        answer = await pages.get(path, headers={"Accept": "text/html"})
        text, kind = answer.content.decode(), answer.headers.get("Content-Type", "")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "X-Evil" not in answer.headers
        if kind.startswith("text/html"):
            assert MARKUP not in text and "<img src=x" not in text, path


async def test_t44_a_form_of_many_parts_is_refused(api: Api) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="a%d"\r\nContent-Transfer-Encoding: base64\r\n\r\nQQ==\r\n'
    form = b"".join(part % number for number in range(1000)) + b"--b--\r\n"
    answer = await api.client.generic(
        "POST", "/api2/json/cluster/config", form, content_type="multipart/form-data; boundary=b", headers=api.headers
    )
    assert answer.status_code in (400, 413, 506)


async def test_cve_2026_33033_whitespace_in_a_form_in_base64_is_not_read_bit_by_bit(
    pages: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was, three bytes at a time; the form is as large as the door lets any through."""
    reads, read = [0], LazyStream.read

    def counted(stream: LazyStream, size: int | None = None) -> bytes:
        reads[0] += 1
        return bytes(read(stream, size))

    monkeypatch.setattr(LazyStream, "read", counted)
    field = b'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\nalice\r\n'
    file = b'--b\r\nContent-Disposition: form-data; name="a"; filename="b"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    form = field + file + b"Q" + b" \n" * (BODY_BYTES_MAX // 2 - 200) + b"Q==\r\n--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    answer = await pages.generic("POST", "/session/sign-in", form, content_type=kind)
    assert answer.status_code == 400 and 0 < reads[0] < 100


def test_there_is_no_database_behind_the_site() -> None:
    """What somebody sends can reach no query, for there is none."""
    assert settings.DATABASES["default"]["ENGINE"] == "django.db.backends.dummy"
    files = Path("datacenter").rglob("*.py")
    assert not [path for path in files if re.search(r"\.objects\.|models\.Model|RawSQL", path.read_text())]


async def test_t31_the_token_of_another_user_is_no_token(node: FakeNode) -> None:
    alice = Api().sign_in("alice@pve")
    answer = await alice.call("POST", "/cluster/config", {"CSRFPreventionToken": CSRF[ROOT]}, clustername="demo")
    assert answer.status_code == 401
