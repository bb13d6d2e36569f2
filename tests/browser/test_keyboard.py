"""The main ways of the product by keyboard alone: sign in, create, join, tabs, palette, drawer. No mouse is touched."""

from __future__ import annotations

import base64
import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.keyed import enter
from tests.browser.site import Site, await_live
from tests.datacenter.fake_daemon import FINGERPRINT, PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TABS_MAX = 60


@pytest.fixture
def page(site: Site, visitor: Visitor) -> Page:
    return enter(visitor(site.url))


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has the focus is called that, as a person would; it must be visible that it has."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "() => { const at = document.activeElement;"
            " return (at.getAttribute('aria-label') || at.labels?.[0]?.textContent || at.textContent).trim(); }"
        )
        if said == name:
            ring = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert ring != "none" or page.evaluate("() => document.activeElement.matches('input, textarea')"), name
            return
    raise AssertionError(f"Tab does not lead to {name}")


def test_a_cluster_is_created(page: Page, site: Site) -> None:
    tab_to(page, "Create Cluster")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Cluster name")).to_be_focused()
    page.keyboard.type("office")
    page.keyboard.press("Enter")
    expect(page.locator(".task-step")).to_be_visible()
    site.do("go_on", steps=4)
    expect(page.locator(".task-step")).to_have_text("Done")
    expect(page.get_by_role("dialog").locator("footer [data-close]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#cluster-nodes tbody th a")).to_have_text(["alpha"])


def test_a_cluster_is_joined(page: Page, site: Site) -> None:
    tab_to(page, "Join Cluster")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Information", exact=True)).to_be_focused()
    page.keyboard.insert_text(invitation())
    expect(page.get_by_role("button", name="Join ‘office’")).to_be_visible()
    tab_to(page, "Peer's password for root@pam")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".task-step")).to_be_visible()
    site.do("go_on", steps=5)
    expect(page.locator(".task-step")).to_have_text("Done")


def invitation() -> str:
    content = {
        "ipAddress": "10.0.0.9",
        "fingerprint": FINGERPRINT,
        "peerLinks": {"0": "10.0.0.9"},
        "ring_addr": ["10.0.0.9"],
        "totem": {
            "cluster_name": "office",
            "config_version": "3",
            "version": "2",
            "interface": {"0": {"linknumber": "0"}},
        },
    }
    return base64.b64encode(json.dumps(content).encode()).decode()


def test_tabs_the_drawer_and_the_menu(page: Page, site: Site) -> None:
    site.do("form", count=3)
    expect(page.locator("#tree-list")).to_contain_text("beta")
    page.keyboard.press("]")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Datacenter")
    expect(page.locator(".tabs [aria-current=page]")).not_to_have_text("Cluster")
    page.keyboard.press("[")
    expect(page.locator(".tabs [aria-current=page]")).to_have_text("Cluster")
    closed = page.locator("html").get_attribute("data-drawer") == "closed"
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-drawer", "open" if closed else "closed")
    page.keyboard.press("/")
    expect(page.locator("#palette input")).to_be_focused()
    page.keyboard.type("beta: network")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("beta")
    expect(page.locator(".tabs [aria-current=page]")).to_have_text("Network")
    page.wait_for_url("**/nodes/beta/network")
    assert page.evaluate("() => document.querySelector('#tree a[aria-current]').title") == "beta"


def test_what_has_the_focus_keeps_it_while_the_page_changes_around_it(page: Page, site: Site) -> None:
    site.do("form", count=3)
    nodes = page.locator("#cluster-information dd").nth(2)
    expect(nodes).to_have_text("3")
    for button in (page.get_by_role("button", name="Join Information"), page.get_by_role("button", name="Rename beta")):
        site.do("form", count=3)
        expect(nodes).to_have_text("3")
        button.focus()
        site.do("form", count=4)
        expect(nodes).to_have_text("4")
        expect(button).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        site.do("form", count=5)
        expect(nodes).to_have_text("5")
        page.keyboard.press("Escape")
        expect(button).to_be_focused()
        site.do("form", count=4)
        expect(nodes).to_have_text("4")
        expect(button).to_be_focused()


def test_the_language_is_changed_in_the_menu_and_stays(page: Page) -> None:
    page.locator(".user-button").focus()
    page.keyboard.press("Enter")
    tab_to(page, "Deutsch")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    await_live(page)
    expect(page.get_by_role("button", name="Cluster erstellen")).to_be_visible()
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")
