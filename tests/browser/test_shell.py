"""What surrounds every page, in a real Chromium: palette, keys, the tree's views, tasks and log, choices."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Visitor
from tests.browser.site import Site, await_live, go_again, sign_in

SCRIPT = re.compile(r"/(js/app|vendor/quire)\.js$")

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page(site: Site, visitor: Visitor) -> Page:
    site.do("form", count=3)
    return sign_in(visitor(site.url))


def test_everything_is_reached_by_the_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("gamm")
    expect(page.get_by_role("option").first).to_contain_text("gamma")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("gamma")
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Datacenter")
    expect(page.get_by_role("link", name="Summary", exact=True)).to_have_attribute("aria-current", "page")
    page.keyboard.press("]")
    expect(page.get_by_role("link", name="Cluster", exact=True)).to_have_attribute("aria-current", "page")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("nothing is called this")
    expect(page.get_by_text("Nothing is called that.")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#tree-list a").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#tree-list a").nth(1)).to_be_focused()


def test_a_key_pressed_while_typing_is_only_typed(page: Page) -> None:
    page.keyboard.press("/")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("t?g")
    expect(page.get_by_role("combobox")).to_have_value("t?g")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


def test_the_cluster_log_grows_while_it_is_looked_at(page: Page, site: Site) -> None:
    site.do("log_event", message="this node has started")
    page.get_by_role("tab", name="Cluster log").click()
    expect(page.locator("#drawer-log")).to_contain_text("this node has started")
    site.do("log_event", message="node gamma is lost", node="alpha", priority=3)
    expect(page.locator("#drawer-log .level-bad")).to_contain_text("node gamma is lost")
    page.get_by_role("tab", name="Tasks").click()
    expect(page.locator("#log-mark")).to_have_count(0)


def test_choices_stay_after_the_page_is_loaded_anew(page: Page) -> None:
    page.get_by_role("button", name="Folder").click()
    page.locator(".user-button").click()
    page.get_by_role("button", name="Compact").click()
    page.get_by_role("button", name="Exact times").click()
    go_again(page)
    html = page.locator("html")
    for name, value in (("view", "folder"), ("density", "compact"), ("times", "exact")):
        expect(html).to_have_attribute(f"data-{name}", value)
    expect(page.get_by_role("button", name="Folder")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".tree-group")).to_be_visible()


def test_on_a_phone_the_tasks_are_closed_until_they_are_opened_and_then_stay(page: Page) -> None:
    html = page.locator("html")
    expect(html).to_have_attribute("data-drawer", "open")
    page.set_viewport_size({"width": 360, "height": 740})
    expect(html).to_have_attribute("data-drawer", "closed")
    page.get_by_role("button", name="Show tasks and log").click()
    expect(html).to_have_attribute("data-drawer", "open")
    go_again(page)
    expect(html).to_have_attribute("data-drawer", "open")
    page.get_by_role("button", name="Hide tasks and log").click()
    page.set_viewport_size({"width": 1280, "height": 720})
    expect(html).to_have_attribute("data-drawer", "open")


def test_another_node_s_task_is_in_the_list_as_it_runs(page: Page, site: Site) -> None:
    upid = "UPID:beta:00001267:00000009:68A1B6C3:clusterjoin::root@pam:"
    site.do("hear_of_task", upid=upid)
    row = page.locator("#task-list tr", has_text="beta")
    expect(row).to_contain_text("Running")
    site.do("hear_of_task", upid=upid, end_time_s=1755428600, status="OK")
    expect(row).to_contain_text("OK")


def test_a_page_whose_script_is_lost_says_so_tries_once_by_itself_and_is_live_when_it_comes(page: Page) -> None:
    asked: list[str] = []

    def is_second(request: Request) -> bool:
        if SCRIPT.search(request.url):
            asked.append(request.url)
        return len(asked) == 2

    page.route(SCRIPT, lambda route: route.abort())
    with page.expect_request(is_second):
        page.reload()
    bar = page.locator("#script-bar")
    expect(bar).to_contain_text("Part of this page did not arrive")
    expect(page.locator(".live-missing")).to_be_visible()
    page.unroute(SCRIPT)
    bar.get_by_role("link", name="Load again").click()
    await_live(page)
    expect(bar).to_be_hidden()
    expect(page.locator(".live-flow")).to_have_text("Live")
    assert page.evaluate("() => sessionStorage.getItem('quire.loaded-anew')") is None


def test_it_can_be_installed_as_an_app(page: Page) -> None:
    found = page.evaluate(
        "async () => { const m = await (await fetch(document.querySelector('[rel=manifest]').href)).json();"
        " return Promise.all(m.icons.map(async (icon) =>"
        " (await fetch(new URL(icon.src, document.querySelector('[rel=manifest]').href))).status)); }"
    )
    assert found == [200, 200, 200]
