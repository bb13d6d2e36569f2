"""Which pages there are, and a walk through them and their dialogs: by mouse or by keys, in a language, in both themes.

A walk goes from page to page as a visitor does, by the links of tree and tabs, so that the shell is loaded once in each
language. What is looked at on the way is `looked.py`. Axe takes most of the time: on each page a walk asks it once in
each language, at turning widths and themes, so that two walks see each page in both languages and both themes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page, expect

from tests.browser import looked
from tests.browser.site import await_live, go

WIDTHS = {360: 740, 1024: 768, 1440: 900}
THEMES = ("light", "dark")
LANGUAGES = ("en", "de")
DATACENTER = (
    "summary", "cluster", "what-if", "options", "permissions", "permissions/groups", "permissions/roles",
    "permissions/acl", "permissions/tokens", "permissions/two-factor", "permissions/realms",
    "permissions/rights?userid=root@pam", "tasks", "log", "events", "alerts", "alerts/history", "alerts/rules",
    "alerts/targets", "alerts/silences", "config", "api",
)  # fmt: skip
NODE = ("", "/network", "/time", "/services", "/journal", "/certificates", "/updates", "/tasks")
PAGES = [f"/datacenter/{name}" for name in DATACENTER] + [f"/nodes/alpha{tab}" for tab in NODE] + ["/account"]
NO_ENGLISH_IN = ("/datacenter/api",)  # its descriptions are the API's own
ARRIVED = """path => location.pathname + location.search === path && !document.querySelector('#content.htmx-request')
  && !document.querySelector('#content .htmx-added')"""
OPENERS = "#content button[data-dialog]:enabled:visible"


def dialog_of(address: str) -> str:
    """Which dialog it is: the same one for each row of a list."""
    path = address.partition("?")[0].split("/")
    same = ("alpha", "beta", "gamma", "delta")
    return "/".join("*" if part in same else "edit" if part.startswith("edit-") else part for part in path)


@dataclass
class Walk:
    """`keys` says that no mouse is touched; `offered` is what each place offers, as found in the first language."""

    page: Page
    keys: bool
    language: str = "en"
    problems: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    offered: dict[str, str] = field(default_factory=dict)

    def pages(self, url: str) -> Iterator[str]:
        for turn, path in enumerate(PAGES):
            self.wide()
            self.go(url, path)
            self.look(path, turn, "#content" if turn else "html")  # what surrounds every page is looked at once
            yield path

    def wide(self) -> None:
        self.page.set_viewport_size({"width": 1440, "height": WIDTHS[1440]})

    def go(self, url: str, path: str) -> None:
        link = self.page.locator(f'#tree a[href="{path}"]:visible, #content nav a[href="{path}"]:visible')
        if link.count() == 0:
            go(self.page, url + path)
        else:
            self.use(link.first)
        self.page.wait_for_function(ARRIVED, arg=path)
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.evaluate(looked.AXE)

    def use(self, what: Locator) -> None:
        if self.keys:
            what.focus()
            self.page.keyboard.press("Enter")
        else:
            what.click()

    def speak(self, language: str) -> None:
        """As a visitor chooses it: in the menu."""
        self.wide()
        self.use(self.page.locator(".user-button"))
        self.use(self.page.locator(f'.menu-item[lang="{language}"]'))
        expect(self.page.locator("html")).to_have_attribute("lang", language)
        await_live(self.page)
        self.language, self.seen = language, set()

    # --- looking ------------------------------------------------------------------------------------------------------

    def look(self, what: str, turn: int, where: str) -> None:
        german = self.language == "de"
        theme = THEMES[(turn + self.keys + german) % 2]
        widths = list(WIDTHS)
        last = (turn + 2 * self.keys + german) % len(widths)
        found: list[str] = []
        for place in range(last + 1, last + 1 + len(widths)):
            width = widths[place % len(widths)]
            self.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
            self.page.keyboard.press("Shift")  # a key was pressed last: whatever has the focus shows it
            found += [f"at {width} {each}" for each in self.page.evaluate(looked.IN_BOTH_THEMES, [where, theme])]
        found += [f"at {width} in {theme} {each}" for each in self.page.evaluate(looked.BY_AXE, where)]
        if german and what.split(" ")[0] not in NO_ENGLISH_IN:
            found += [f"is English: {words}" for words in self.page.evaluate(looked.ENGLISH, where)]
        offers = self.page.evaluate(looked.OFFERED, where)
        if self.offered.setdefault(what, offers) != offers:
            found.append(f"offers {offers}, but in English {self.offered[what]}")
        self.problems += [f"{what} in {self.language} {each}" for each in found]

    # --- dialogs ------------------------------------------------------------------------------------------------------

    def dialogs(self, path: str) -> None:
        """Every dialog that a button of this page opens, and no other page's did."""
        self.wide()
        for address in self.page.locator(OPENERS).evaluate_all("all => all.map((one) => one.getAttribute('hx-get'))"):
            name = dialog_of(address or "")
            if address and name not in self.seen:
                self.seen.add(name)
                self.dialog(self.page.locator(f'{OPENERS}[hx-get="{address}"]').first, f"{path} {name}")
                self.wide()

    def dialog(self, button: Locator, what: str) -> None:
        shown = self.page.locator("dialog[open]")
        self.use(button)
        expect(shown).to_be_visible()
        expect(shown).not_to_have_class(re.compile("htmx-added"))
        self.look(what, len(self.seen), "dialog[open]")
        if self.keys:
            self.page.keyboard.press("Shift+Tab")
            outside = "() => !document.activeElement.matches('body, dialog[open], dialog[open] *')"
            if self.page.evaluate(outside):
                self.problems.append(f"{what} lets the focus out")
        self.page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
        if self.keys:
            self.is_given_back(button, what)

    def is_given_back(self, button: Locator, what: str) -> None:
        try:
            expect(button).to_be_focused()
        except AssertionError:
            self.problems.append(f"{what} does not give the focus back to what opened it")
