"""Static files as they are sent: bundled, compressed, kept for a year, under a new address once anything changes."""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from datacenter.assets import WHOLE, StaticFiles, address_of, answer, library, page_scripts, style_sheets
from datacenter.headers import CONTENT_SECURITY_POLICY

ROOT = Path(__file__).resolve().parents[2]


def test_style_sheets_travel_in_one_file_in_their_order() -> None:
    _, headers, body = answer("GET", address_of("quire.css"), accepts_gzip=False)
    text = body.decode()
    assert headers["Content-Type"] == "text/css; charset=utf-8"
    assert text.index("--accent:") < text.index(".shell") < text.index(".palette-list") < text.index(".heat-squares")
    assert "@import" not in text and all(path.is_file() for path in style_sheets())


def test_every_style_sheet_is_in_the_bundle() -> None:
    assert {path.name for path in (ROOT / "static" / "css").glob("*.css")} == {
        "quire.css",
        *(path.name for path in style_sheets()),
    }


def test_htmx_and_its_socket_extension_are_version_2() -> None:
    body = answer("GET", address_of("htmx.js"), accepts_gzip=False)[2].decode()
    assert 'version:"2.' in body and "wsReconnectDelay" in body


def test_a_file_is_compressed_for_who_takes_it_and_kept_for_a_year() -> None:
    _, headers, body = answer("GET", address_of("js/live.js"), accepts_gzip=True)
    assert headers["Content-Encoding"] == "gzip" and "immutable" in headers["Cache-Control"]
    assert gzip.decompress(body) == (ROOT / "static" / "js" / "live.js").read_bytes()
    assert "Content-Encoding" not in answer("GET", address_of("js/live.js"), accepts_gzip=False)[1]


def test_a_page_from_before_an_upgrade_gets_its_files_but_keeps_them_not() -> None:
    status, headers, _ = answer("GET", "/static/0123456789ab/quire.css", accepts_gzip=True)
    assert status == 200 and headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/static/", "/static/x/nothing.js", "/static/x/../settings.py", "/static/x/css/base.css"]
)
def test_nothing_else_is_served(path: str) -> None:
    assert answer("GET", path, accepts_gzip=True)[0] == 404


def test_only_reading_is_understood() -> None:
    assert answer("POST", address_of("quire.css"), accepts_gzip=True)[0] == 405


def test_a_name_that_is_no_file_is_a_mistake_of_the_template() -> None:
    with pytest.raises(LookupError):
        address_of("nothing.js")


def test_every_module_of_the_page_is_loaded_at_once_or_once_the_page_stands() -> None:
    modules = {path.name for path in (ROOT / "static" / "js").glob("*.js")} - {"app.js"}
    app = (ROOT / "static" / "js" / "app.js").read_text()
    assert set(re.findall(r'"\./([^"]+)"', app)) == modules


@pytest.fixture
def copied(tmp_path: Path, settings: Any) -> Iterator[Path]:
    """The static files somewhere else, where they may be changed."""
    settings.STATIC_DIR = tmp_path / "static"
    shutil.copytree(ROOT / "static", settings.STATIC_DIR)
    library.cache_clear()
    yield settings.STATIC_DIR
    library.cache_clear()


def made_small(static: Path) -> None:
    """As script/setup leaves it."""
    sources = [*sorted(static.glob("js/*.js")), *sorted(static.glob("css/*.css"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    (static / "vendor").mkdir(exist_ok=True)
    (static / "vendor" / ".quire").write_text(f"{digest}  -\n")
    (static / "vendor" / "quire.js").write_text("small()")
    (static / "vendor" / "quire.css").write_text("small{}")


def test_what_was_made_small_of_these_files_is_sent_in_their_place(copied: Path) -> None:
    made_small(copied)
    assert page_scripts() == (WHOLE,)
    assert answer("GET", address_of("quire.css"), False)[2] == b"small{}"


def test_once_a_file_has_changed_pages_get_the_files_themselves(copied: Path) -> None:
    made_small(copied)
    with (copied / "js" / "copy.js").open("a") as module:
        module.write("// changed\n")
    library.cache_clear()
    first, *ahead = page_scripts()
    assert first == "js/app.js" and "js/live.js" in ahead and "js/palette.js" not in ahead
    assert b".dialog {" in answer("GET", address_of("quire.css"), False)[2]
    assert answer("GET", f"/static/x/{WHOLE}", False)[0] == 404


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_t42_files_carry_the_headers_of_every_answer(method: str) -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the pages are not asked for static files")

    scope = {"type": "http", "method": method, "path": address_of("quire.css"), "headers": []}
    asked = ApplicationCommunicator(StaticFiles(inner), scope)
    head, body = await asked.receive_output(), await asked.receive_output()
    headers = dict(head["headers"])
    assert headers[b"content-security-policy"].decode() == CONTENT_SECURITY_POLICY
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert (body["body"] == b"") == (method == "HEAD") and int(headers[b"content-length"]) > 1000
    await asked.wait()


def test_the_library_is_read_once() -> None:
    assert library() is library()
