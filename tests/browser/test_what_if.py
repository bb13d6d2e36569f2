"""The What-if page in a real Chromium: by mouse on the drawing, by keyboard on the switches, and from its address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.site import Site, served, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PLACE = "/datacenter/what-if"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("what-if")
    with served(folder) as running:
        running.do("form", count=3)
        yield running


def verdict(page: Page, word: str) -> None:
    expect(page.locator("#supposed .health strong")).to_contain_text(word)


def test_nodes_are_switched_by_mouse_and_keyboard_and_the_address_keeps_it(site: Site, visitor: Visitor) -> None:
    page = sign_in(visitor(site.url + PLACE))
    verdict(page, "All nodes go on.")
    page.locator("#supposed [data-suppose=gamma] .spot-name").click()
    verdict(page, "alpha and beta go on.")
    expect(page).to_have_url(f"{site.url}{PLACE}?off=gamma")
    beta = page.locator("input[name=node-off][value=beta]")
    beta.focus()
    page.keyboard.press("Space")
    verdict(page, "No side would be quorate")
    expect(page.locator("#supposed")).to_contain_text("Bring back")
    page.reload()
    verdict(page, "No side would be quorate")
    expect(beta).to_be_checked()


def test_a_split_is_drawn_by_choosing_groups_from_the_keyboard(site: Site, visitor: Visitor) -> None:
    page = sign_in(visitor(site.url + PLACE))
    page.get_by_label("Group of alpha").focus()
    page.keyboard.press("ArrowDown")
    verdict(page, "beta and gamma go on.")
    expect(page).to_have_url(f"{site.url}{PLACE}?split=alpha")
    expect(page.locator(".table-sides tbody tr")).to_have_count(2)
    expect(page.locator("#supposed")).to_contain_text("nothing is touched")


def test_an_address_with_a_node_that_is_not_there_says_so(site: Site, visitor: Visitor) -> None:
    page = sign_in(visitor(f"{site.url}{PLACE}?off=omega"))
    expect(page.locator("#supposed [role=alert]")).to_contain_text("omega")
