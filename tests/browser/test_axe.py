"""Walks through every page and dialog in a real Chromium: by mouse and by keyboard alone, each in both languages.

On every page and in every dialog, at three widths and in both themes: nothing is wider than the window or runs out of
its box, what can have the focus shows it, the themes say the same and the languages offer the same; axe-core finds
nothing, each page being asked in both languages and both themes. In German no English sentence is left; a dialog takes,
keeps and gives back the focus. The node is a real daemon over a simulated cluster with something in every list.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from demo.browser import visitor_context
from tests.browser import looked
from tests.browser.furnished import furnished_node
from tests.browser.services import Services
from tests.browser.site import await_live
from tests.browser.walk import LANGUAGES, Walk
from tests.datacenter.fake_daemon import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with furnished_node(tmp_path_factory.mktemp("walk")) as here:
        yield here


@pytest.mark.parametrize("keys", [False, True], ids=["mouse", "keys"])
def test_every_page_and_dialog_in_both_languages_and_themes(node: Services, browser: Browser, keys: bool) -> None:
    context = visitor_context(browser, reduced_motion="reduce", locale="en-GB")
    page = context.new_page()
    page.goto(node.url)
    page.evaluate(looked.AXE)
    walk = Walk(page, keys)
    walk.look("sign-in", 0, "html")
    page.locator("[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    await_live(page)
    for language in LANGUAGES:
        if language != "en":
            walk.speak(language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        began = time.monotonic()
        for path in walk.pages(node.url):
            walk.dialogs(path)
            print(f"{time.monotonic() - began:5.1f} s {language} {path}")
            began = time.monotonic()
        assert len(walk.seen) > 45, sorted(walk.seen)
    context.close()
    assert walk.problems == [], "\n".join(walk.problems)
