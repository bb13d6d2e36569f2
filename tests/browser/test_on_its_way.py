"""What changes while a page or a window is on its way to the browser is on it once it is there."""

from __future__ import annotations

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from demo.visitor import eventually
from tests.browser.conftest import Visitor
from tests.browser.site import Site, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MADE_S = 30.0


@pytest.fixture
def page(site: Site, visitor: Visitor) -> Page:
    return sign_in(visitor(site.url))


class OnItsWay:
    """Holds back the answer to what is asked of an address, once it is made, until it is let go."""

    def __init__(self, page: Page, address: str) -> None:
        self._page, self._address = page, address
        self._made: list[tuple[Route, APIResponse]] = []
        page.route(address, lambda route: self._made.append((route, route.fetch())))

    def await_made(self) -> None:
        eventually(f"{self._address} is answered", self._is_made, MADE_S)

    def _is_made(self) -> bool:
        self._page.wait_for_timeout(10)  # lets Playwright hear of it
        return bool(self._made)

    def let_go(self) -> None:
        for route, answer in self._made:
            route.fulfill(response=answer)


def test_a_page_that_was_on_its_way_when_a_node_went(site: Site, page: Page) -> None:
    site.do("form", count=3)
    page.locator("#tree").get_by_role("link", name="beta").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("beta")
    cluster = OnItsWay(page, "**/datacenter/summary")
    page.keyboard.press("g")
    page.keyboard.press("s")
    cluster.await_made()
    site.do("set_online", name="gamma", online=False)
    expect(page.locator("#tree-state-gamma")).to_have_text("offline")
    cluster.let_go()
    expect(page.locator("#summary-nodes #node-state-gamma")).to_have_attribute("data-state", "offline")


def test_a_window_that_was_on_its_way_when_its_task_ended(site: Site, page: Page) -> None:
    page.get_by_role("button", name="Create Cluster").click()
    page.get_by_label("Cluster name").fill("office")
    window = OnItsWay(page, "**/datacenter/cluster/create")
    page.get_by_role("dialog").get_by_role("button", name="Create", exact=True).click()
    window.await_made()
    site.do("go_on", steps=5)
    expect(page.locator("#drawer")).not_to_contain_text("Running")
    expect(page.locator("#cluster-information")).to_contain_text("office")
    window.let_go()
    expect(page.get_by_role("dialog").locator(".task-step")).to_have_text("Done")
