"""A walk through every page and dialog in a real Chromium: once in English by mouse, once in German by keyboard alone.

axe-core finds nothing, at three widths and in both themes the first time, at one of them the second; nothing is wider
than the window; what has the focus shows it; a dialog takes, keeps and gives back the focus; in German no English
sentence is left. The node is a real daemon over a simulated cluster, so that every page has something to show. Pages
are loaded once and then made narrow and dark, the second walk beginning in the other theme.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from demo.browser import visitor_context
from tests.browser.services import Services
from tests.browser.site import await_live
from tests.datacenter.fake_daemon import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
WIDTHS = {360: 740, 1024: 768, 1440: 900}
DATACENTER = (
    "summary", "cluster", "what-if", "options", "permissions", "permissions/groups", "permissions/roles",
    "permissions/tokens", "permissions/two-factor", "permissions/realms", "permissions/rights?userid=root@pam", "tasks",
    "log", "events", "alerts", "alerts/history", "alerts/rules", "alerts/targets", "alerts/silences", "config", "api",
)  # fmt: skip
NODE = ("", "/network", "/time", "/services", "/journal", "/certificates", "/updates", "/tasks")
PAGES = [f"/datacenter/{name}" for name in DATACENTER] + [f"/nodes/alpha{tab}" for tab in NODE] + ["/account"]
LOOK = """async ([where]) => {
  const {violations} = await axe.run(where, {resultTypes: ['violations']});
  const some = (nodes) => nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ');
  return violations.map(({id, nodes}) => `${id}: ${some(nodes)}`);
}"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    here = Services(tmp_path_factory.mktemp("axe"))
    here.start("whole")
    yield here
    here.stop("whole")


# Words that no German sentence has; names of services, paths and the texts of logs are marked as nobody's to translate.
ENGLISH = """() => {
  const words = /\\b(the|is|are|of|and|with|from|this|that|has|have|it|every|until|not|yet|be)\\b/;
  const skipped = 'code, pre, kbd, select, textarea, .mono, .log, [translate=no], [data-socket-since]';
  const found = [];
  const room = document.querySelector('dialog[open]') ?? document.body;
  const walker = document.createTreeWalker(room, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const place = node.parentElement;
    if (place.closest(skipped + ', script, style') || !place.checkVisibility()) continue;
    if (words.test(node.textContent)) found.push(node.textContent.trim().slice(0, 160));
  }
  return found;
}"""
# Whatever can have the focus, given it after a key was pressed, shows that it has it.
UNSEEN = """() => {
  const can = 'a[href], button:enabled, input:enabled:not([type=hidden]), select:enabled, textarea:enabled, summary';
  const dull = [];
  const room = document.querySelector('dialog[open]') ?? document.getElementById('content');
  for (const one of room.querySelectorAll(can)) {
    if (one.tabIndex < 0 || !one.checkVisibility({visibilityProperty: true})) continue;
    one.focus();
    const {outlineStyle, boxShadow, borderColor} = getComputedStyle(one);
    const ringed = outlineStyle !== 'none' || boxShadow !== 'none' || one.matches('input, select, textarea');
    if (document.activeElement !== one || !ringed) dull.push(one.outerHTML.slice(0, 120));
  }
  return dull.slice(0, 5);
}"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
NO_ENGLISH_IN = ("/datacenter/api",)  # its descriptions are the API's own


@dataclass
class Walk:
    """`begin` is the theme of the first page; `keys` says that no mouse is touched."""

    page: Page
    language: str
    keys: bool
    begin: int

    def problems_of(self, turn: int, where: str) -> list[str]:
        """At every width; the themes take turns, so that each width is seen in both of them."""
        found: list[str] = []
        for place, (width, height) in enumerate(WIDTHS.items()):
            theme = ("light", "dark")[(turn + place + self.begin) % 2]
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            if not self.keys or place == turn % len(WIDTHS):
                found += [f"at {width} {theme}: {each}" for each in self.page.evaluate(LOOK, [where])]
            if (wider := self.page.evaluate(WIDER)) > 1:
                found.append(f"at {width}: {wider} px wider than the window")
        return found

    def words_and_focus(self, path: str) -> list[str]:
        found = []
        if self.language == "de" and path not in NO_ENGLISH_IN:
            found += [f"is English: {words}" for words in self.page.evaluate(ENGLISH)]
        if self.keys:
            self.page.keyboard.press("Shift")
            found += [f"does not show its focus: {each}" for each in self.page.evaluate(UNSEEN)]
        return found

    def dialogs(self, path: str, seen: set[str]) -> list[str]:
        """Every dialog that a button of this page opens, and no other page's did."""
        found: list[str] = []
        buttons = self.page.locator("#content button[data-dialog]:enabled:visible")
        for place in range(buttons.count()):
            button = buttons.nth(place)
            name = dialog_of(button.get_attribute("hx-get") or "")
            if name in seen:
                continue
            seen.add(name)
            found += [f"dialog {name} {each}" for each in self.dialog(button, len(seen), path)]
        return found

    def dialog(self, button: Locator, turn: int, path: str) -> list[str]:
        shown = self.page.locator("dialog[open]")
        if self.keys:
            button.focus()
            self.page.keyboard.press("Enter")
        else:
            button.click()
        expect(shown).to_be_visible()
        found = self.problems_of(turn, "dialog[open]") + self.words_and_focus(path)
        if self.keys:
            self.page.keyboard.press("Shift+Tab")
            inside = (
                "() => document.activeElement === document.body || !!document.activeElement.closest('dialog[open]')"
            )
            found += [] if self.page.evaluate(inside) else ["lets the focus out"]
        self.page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
        if self.keys and not button.evaluate("button => document.activeElement === button"):
            found.append("does not give the focus back to what opened it")
        return found


@pytest.mark.parametrize(("language", "keys"), [("en", False), ("de", True)], ids=["english-mouse", "german-keys"])
def test_every_page_and_dialog(node: Services, browser: Browser, language: str, keys: bool) -> None:
    context = visitor_context(browser, reduced_motion="reduce", locale={"en": "en-GB", "de": "de-DE"}[language])
    page = context.new_page()
    walk = Walk(page, language, keys, begin=int(keys))
    page.goto(node.url)
    page.evaluate(AXE)
    problems = [f"sign-in {each}" for each in walk.problems_of(0, "html")]
    page.locator("[type=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    await_live(page)
    assert page.locator("html").get_attribute("lang") == language
    seen: set[str] = set()
    for turn, path in enumerate(PAGES):
        began = time.monotonic()
        page.goto(f"{node.url}{path}")
        page.evaluate(AXE)
        # What surrounds every page is looked at once; from then on what is the page's own.
        found = walk.problems_of(turn, "#content" if turn else "html") + walk.words_and_focus(path)
        problems += [f"{path} {each}" for each in found + walk.dialogs(path, seen)]
        print(f"{time.monotonic() - began:5.1f} s {path}")
    context.close()
    assert problems == [], "\n".join(problems)
    assert len(seen) > 15, sorted(seen)


def dialog_of(address: str) -> str:
    """Which dialog it is: the same one for each row of a list."""
    path: Any = address.partition("?")[0].split("/")
    same = ("alpha", "beta", "gamma", "delta")
    return "/".join("*" if part in same else "edit" if part.startswith("edit-") else part for part in path)
