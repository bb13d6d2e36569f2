"""The Config page in a real Chromium: an edit on one node appears on another's open page, and so does its undoing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from demo import pages
from demo.visitor import Visit
from tests.browser.conftest import Visitor
from tests.scenarios.conftest import NETWORK, demo_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

FIRST_ADDRESS = f"{NETWORK}.61"
FIRST, SECOND = "keyboard: de\nlanguage: en\n", "keyboard: fr\nlanguage: en\n"


def open_config(page: Page, here: Visit, node: str, path: str = "") -> None:
    pages.sign_in(page, here[node].url, here.user, here.password)
    page.get_by_role("navigation", name="Datacenter", exact=True).get_by_role("link", name="Config").click()
    for name in filter(None, path.split("/")):
        page.get_by_role("link", name=name, exact=False).first.click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()


def edit(page: Page, text: str) -> None:
    page.get_by_role("button", name="Edit").click()
    pages.dialog(page).get_by_label("Content").fill(text)
    pages.dialog(page).get_by_role("button", name="Review changes").click()
    expect(pages.dialog(page).get_by_text("This is what changes.")).to_be_visible()
    pages.dialog(page).get_by_role("button", name="Save").click()
    expect(pages.dialog(page)).to_have_count(0)


def test_an_edit_on_one_node_is_seen_on_anothers_open_page_and_so_is_restoring_the_old_version(
    visitor: Visitor,
) -> None:
    with demo_of("loopback", 3, FIRST_ADDRESS) as here:
        here.create("office")
        for name in ("beta", "gamma"):
            here.join(name)
        alpha, gamma = visitor("about:blank"), visitor("about:blank")
        make_first_version(alpha, here)
        open_config(gamma, here, "gamma", "datacenter.cfg")
        pages.await_live(gamma)
        watched = gamma.get_by_label("Content of datacenter.cfg")
        expect(watched).to_have_text(FIRST)
        gamma.evaluate("() => { window.sameDocument = true; }")

        edit(alpha, SECOND)
        expect(alpha.get_by_label("Content of datacenter.cfg")).to_have_text(SECOND)
        expect(watched).to_have_text(SECOND)
        rows = gamma.locator(".table-history tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("root@pam")
        expect(rows.first).to_contain_text("alpha")

        rows.nth(1).get_by_role("button", name=re.compile("^Restore")).click()
        expect(watched).to_have_text(FIRST)
        expect(rows).to_have_count(3)
        expect(alpha.get_by_label("Content of datacenter.cfg")).to_have_text(FIRST)
        expect(alpha.locator(".table-history tbody tr").first).to_contain_text("gamma")
        assert gamma.evaluate("() => window.sameDocument"), "the page was reloaded"


def make_first_version(page: Page, here: Visit) -> None:
    open_config(page, here, "alpha")
    page.get_by_role("button", name="New file").click()
    pages.dialog(page).get_by_label("Path").fill("datacenter.cfg")
    pages.dialog(page).get_by_label("Content").fill(FIRST)
    pages.dialog(page).get_by_role("button", name="Review changes").click()
    expect(pages.dialog(page).get_by_text("This is what changes.")).to_be_visible()
    pages.dialog(page).get_by_role("button", name="Save").click()
    expect(page.get_by_label("Content of datacenter.cfg")).to_have_text(FIRST)
