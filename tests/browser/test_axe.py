"""axe-core finds nothing on any page or dialog, in a real Chromium, at three widths and in both themes.

The node is a real daemon over a simulated cluster, so that every page has something to show. Pages are loaded once
and then made narrow and dark.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from demo.browser import visitor_context
from tests.browser.services import Services
from tests.browser.site import sign_in

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


@pytest.fixture
def page(node: Services, browser: Browser) -> Iterator[Page]:
    context = visitor_context(browser, reduced_motion="reduce")
    page = context.new_page()
    page.goto(node.url)
    page.evaluate(AXE)
    assert found(page) == []  # the sign-in page
    sign_in(page)
    yield page
    context.close()


def test_axe_finds_nothing_on_any_page_or_dialog(page: Page, node: Services) -> None:
    problems: list[str] = []
    seen: set[str] = set()
    for turn, path in enumerate(PAGES):
        began = time.monotonic()
        page.goto(f"{node.url}{path}")
        page.evaluate(AXE)
        # What surrounds every page is looked at once; from then on what is the page's own.
        problems += [f"{path} {each}" for each in found(page, turn, "#content" if turn else "html")]
        problems += [f"{path} {each}" for each in in_dialogs(page, seen)]
        print(f"{time.monotonic() - began:5.1f} s {path}")
    assert problems == [], "\n".join(problems)
    assert len(seen) > 15, sorted(seen)


def found(page: Page, turn: int = 0, where: str = "html") -> list[str]:
    """At every width; the themes take turns, so that each width is seen in both of them."""
    problems: list[str] = []
    for place, (width, height) in enumerate(WIDTHS.items()):
        theme = ("light", "dark")[(turn + place) % 2]
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        problems += [f"at {width} {theme}: {each}" for each in page.evaluate(LOOK, [where])]
    return problems


def in_dialogs(page: Page, seen: set[str]) -> list[str]:
    """Every dialog that a button of this page opens, and no other page's did."""
    problems: list[str] = []
    buttons = page.locator("#content button[data-dialog]:enabled:visible")
    for place in range(buttons.count()):
        button = buttons.nth(place)
        name = dialog_of(button.get_attribute("hx-get") or "")
        if name in seen:
            continue
        seen.add(name)
        button.click()
        expect(page.locator("dialog[open]")).to_be_visible()
        problems += [f"dialog {name} {each}" for each in found(page, len(seen), "dialog[open]")]
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
    return problems


def dialog_of(address: str) -> str:
    """Which dialog it is: the same one for each row of a list."""
    path: Any = address.partition("?")[0].split("/")
    same = ("alpha", "beta", "gamma", "delta")
    return "/".join("*" if part in same else "edit" if part.startswith("edit-") else part for part in path)
