"""Pages in English and German: whose choice it is, that no word on them is unmarked, and that none lacks its text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest

from cluster.model import Change
from datacenter.language import catalogue, marked
from datacenter.language.words import script_messages
from datacenter.live.feed import Feed
from datacenter.live.outlet import Everything, Fragments
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import FakeDaemon

ROOT = Path(__file__).resolve().parents[2]
CATALOGUES = sorted(ROOT.glob("locale/*/LC_MESSAGES/django.po"))
IN_IT = re.compile(r"%\(\w+\)s|\{\w+\}|</?\w+")


def entries(path: Path) -> Iterator[polib.POEntry]:
    yield from polib.pofile(str(path))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_nothing_that_is_marked_lacks_its_text(path: Path) -> None:
    translated = {(entry.msgctxt or "", entry.msgid) for entry in entries(path) if entry.translated()}
    wanted = {(message.context, message.msgid) for message in catalogue.everything_marked()}
    assert sorted(wanted - translated) == [], "run script/translate, and write what is missing"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_translation_has_the_same_names_and_elements_in_it(path: Path) -> None:
    pairs = [(entry.msgid, text) for entry in entries(path) for text in (entry.msgstr or entry.msgstr_plural[0],)]
    assert [msgid for msgid, text in pairs if set(IN_IT.findall(msgid)) != set(IN_IT.findall(text))] == []


@pytest.mark.parametrize(
    "path", catalogue.templates(), ids=lambda path: path.relative_to(ROOT / "templates").as_posix()
)
def test_every_visible_word_of_a_template_is_marked(path: Path) -> None:
    assert marked.unmarked(path) == []


def test_an_unmarked_word_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<p title="A hint">{% translate "Marked" %} {{ shown }} not <b>marked</b></p><kbd>Esc</kbd>')
    assert marked.unmarked(page) == ["A hint", "not", "marked"]


def test_scripts_say_what_they_say_by_the_catalogue() -> None:
    assert "Copied" in script_messages()
    for path in (ROOT / "static" / "js").glob("*.js"):
        said = re.findall(r'(?:textContent = |note\()"([^"]+)"', path.read_text())
        assert [words for words in said if re.search(r"[a-z]{2}", words)] == [], path.name


# --- whose choice it is -----------------------------------------------------------------------------------------------


async def test_a_page_is_in_the_language_the_browser_asks_for(visitor: Visitor) -> None:
    german = await visitor.get("/", Accept_Language="de-AT,de;q=0.9,en;q=0.8")
    assert '<html lang="de"' in text(german) and "Cluster erstellen" in text(german)
    assert german.headers["Content-Language"] == "de" and "Accept-Language" in german.headers["Vary"]
    for asked in ("fr", "en", "*"):
        assert "Create Cluster" in text(await visitor.get("/", Accept_Language=asked))


async def test_what_was_chosen_in_the_menu_comes_first(visitor: Visitor) -> None:
    answer = await visitor.post("/session/language", {"language": "de"})
    assert answer.status_code == 204 and answer.headers["HX-Refresh"] == "true"
    cookie = answer.cookies["QuireLanguage"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Strict")
    assert '<html lang="de"' in text(await visitor.get("/", Accept_Language="en"))
    assert (await visitor.post("/session/language", {"language": "tlh"})).status_code == 400


async def test_it_can_be_chosen_before_signing_in(stranger: Visitor) -> None:
    fields = {"language": "de", "next": "//elsewhere.example/"}
    answer = await stranger.client.post("/session/language", fields, headers=stranger.headers, secure=True)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert "Anmelden" in text(await stranger.get("/"))


async def test_the_api_speaks_english_to_everybody(stranger: Visitor) -> None:
    answer = await stranger.get("/api2/json/cluster/status", Accept_Language="de")
    assert answer.status_code == 401 and "Content-Language" not in answer.headers


# --- what is pushed ---------------------------------------------------------------------------------------------------


async def test_a_change_is_rendered_once_for_each_language_that_a_page_is_in(daemon: FakeDaemon) -> None:
    daemon.form(3)
    feed = Feed()
    outlets = [await feed.open("en"), await feed.open("de"), await feed.open("de")]
    try:
        for outlet in outlets:
            assert isinstance(await outlet.take(), Everything)
        assert "Speicher" in "".join(feed.snapshot("de")) and "Memory" in "".join(feed.snapshot("en"))
        before = feed.picture
        assert before is not None
        gone = Change(before.number + 1, "node", {**daemon.status()["cluster"]["nodes"][2], "online": False}, 1.0)
        feed._advance(before, gone)
        english, german, other = [await next_fragments(outlet) for outlet in outlets]
        assert "Offline" in english.messages[0] and "offline" in german.messages[0]
        assert german is other and german.messages != english.messages
    finally:
        for outlet in outlets:
            await feed.close(outlet)


async def next_fragments(outlet: object) -> Fragments:
    while True:
        item = await outlet.take()  # type: ignore[attr-defined]
        if isinstance(item, Fragments) and "live-mark" in "".join(item.messages):
            return item
