"""The pages in a real Chromium, with a fake daemon behind them: dialogs, live changes, lost sockets, small screens."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from demo.browser import changes_painted, percentile, record_changes, visitor_context
from tests.browser.conftest import Visitor
from tests.browser.site import Site, go, go_again, sign_in
from tests.datacenter.fake_daemon import FINGERPRINT, PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHANGES = 40
SIZES = [(360, 740), (768, 1024), (1280, 800), (1920, 1080)]
PAGES = ["/", "/datacenter/summary", "/nodes/alpha"]


@pytest.fixture
def page(site: Site, visitor: Visitor) -> Page:
    """The cluster page of a stand-alone node, live, in a wide window."""
    return sign_in(visitor(site.url))


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def open_dialog(page: Page, button: str) -> Locator:
    page.get_by_role("button", name=button, exact=True).click()
    expect(dialog(page)).to_be_visible()
    return dialog(page)


def invitation() -> str:
    content = {
        "ipAddress": "10.0.0.9",
        "fingerprint": FINGERPRINT,
        "peerLinks": {"0": "10.0.0.9", "1": "10.1.0.9"},
        "ring_addr": ["10.0.0.9", "10.1.0.9"],
        "totem": {"cluster_name": "office", "interface": {"0": {}, "1": {}}},
    }
    return base64.b64encode(json.dumps(content).encode()).decode()


def fill_join(page: Page, password: str = PASSWORD) -> Locator:
    form = open_dialog(page, "Join Cluster")
    form.get_by_label("Information", exact=True).fill(invitation())
    expect(form.get_by_role("button", name="Join ‘office’")).to_be_visible()
    form.get_by_label("Peer's password").fill(password)
    return form


def node_state(page: Page, name: str) -> Locator:
    return page.locator(f"#node-state-{name}")


# --- live -------------------------------------------------------------------------------------------------------------


def test_changes_are_painted_within_the_time_and_without_a_reload(site: Site, page: Page) -> None:
    site.do("form", count=8)
    expect(page.locator("#cluster-nodes tbody tr")).to_have_count(8)
    page.evaluate("() => { window.sameDocument = true; }")
    record_changes(page)
    for turn in range(CHANGES):
        site.do("set_online", name="gamma", online=turn % 2 == 1)
        state = "online" if turn % 2 else "offline"
        expect(node_state(page, "gamma")).to_have_attribute("data-state", state)
        expect(page.locator("#tree-state-gamma")).to_have_text(state)
    page.wait_for_function(f"() => window.changesPainted.filter(one => one.membership).length >= {CHANGES}")
    took = [change.took_ms for change in changes_painted(page)]
    print(
        f"event to pixel: p50 {percentile(took, 0.5):.0f} ms, p99 {percentile(took, 0.99):.0f} ms, {len(took)} changes"
    )
    assert page.evaluate("() => window.sameDocument") is True


def test_a_large_cluster_arrives_over_the_socket(site: Site, page: Page) -> None:
    site.do("form", count=64, links=3)
    expect(page.locator("#cluster-nodes tbody tr")).to_have_count(64)
    expect(page.locator(".tree-nodes > li:not(.tree-group)")).to_have_count(64)
    expect(page.locator("html")).to_have_attribute("data-socket", "open")


def test_what_is_typed_and_focused_outlives_changes(site: Site, page: Page) -> None:
    form = open_dialog(page, "Create Cluster")
    form.get_by_label("Cluster name").fill("off")
    site.do("form", count=3)
    for turn in range(3):
        site.do("sample", turn=turn)
    expect(page.locator("#tree-list")).to_contain_text("gamma")
    page.keyboard.type("ice")
    expect(form.get_by_label("Cluster name")).to_have_value("office")


def test_the_focus_goes_back_to_a_button_that_a_change_has_put_anew(site: Site, page: Page) -> None:
    site.do("form", count=3)
    expect(page.locator("#tree-list")).to_contain_text("gamma")
    open_dialog(page, "Join Information")
    site.do("form", count=4)
    expect(page.locator("#tree-list")).to_contain_text("delta")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Join Information")).to_be_focused()


def test_a_lost_connection_is_shown_and_heals_with_what_happened_meanwhile(site: Site, page: Page) -> None:
    site.do("form", count=3)
    expect(node_state(page, "gamma")).to_have_attribute("data-state", "online")
    site.stop()
    expect(page.locator("html")).to_have_attribute("data-socket", "lost")
    expect(page.locator("#socket-bar")).to_contain_text("The connection to this node was lost")
    other = page.locator("#socket-bar").get_by_role("link", name="beta")
    expect(other).to_have_attribute("href", re.compile(rf"^https://10\.0\.0\.2:{site.port}/"))
    site.start()
    site.do("form", count=3)
    site.do("set_online", name="gamma", online=False)
    expect(page.locator("html")).to_have_attribute("data-socket", "open", timeout=30_000)
    expect(node_state(page, "gamma")).to_have_attribute("data-state", "offline")
    expect(page.locator("#socket-bar")).to_be_hidden()


def test_a_question_that_got_lost_is_asked_once_more(site: Site, browser: Browser) -> None:
    lost: list[str] = []
    context = visitor_context(browser)  # htmx says on the console that a request failed; here it may
    page = context.new_page()
    page.goto(site.url)
    sign_in(page)

    def lose_the_first(route: Route) -> None:
        lost.append(route.request.url)
        route.abort() if len(lost) == 1 else route.continue_()

    page.route("**/datacenter/cluster/create", lose_the_first)
    open_dialog(page, "Create Cluster")
    assert len(lost) == 2
    expect(page.locator("#failure-bar")).to_be_hidden()
    context.close()


def test_one_can_walk_through_pages_and_back_over_one_socket(site: Site, page: Page) -> None:
    site.do("form", count=3)
    page.evaluate("() => { window.sameDocument = true; }")
    page.locator("#tree").get_by_role("link", name="beta").click()
    expect(page.get_by_role("heading", name="beta")).to_be_visible()
    expect(page).to_have_title(re.compile("^beta"))
    site.do("set_online", name="beta", online=False)
    expect(page.locator("#node-card-beta")).to_contain_text("Offline")
    page.go_back()
    expect(page.get_by_role("heading", name="Cluster Information")).to_be_visible()
    expect(node_state(page, "beta")).to_have_attribute("data-state", "offline")
    page.go_forward()
    expect(page.locator("#tree a[aria-current]")).to_contain_text("beta")
    assert page.evaluate("() => window.sameDocument") is True


# --- dialogs ----------------------------------------------------------------------------------------------------------


def test_create_says_what_is_wrong_where_it_is_and_keeps_what_was_typed(page: Page) -> None:
    form = open_dialog(page, "Create Cluster")
    name = form.get_by_label("Cluster name")
    name.fill("my_cluster")
    form.get_by_role("button", name="Add link").click()
    expect(form.get_by_text("Letters, digits and hyphens only")).to_be_visible()
    form.locator("summary").click()
    form.get_by_label("Votes").fill("many")
    form.get_by_role("button", name="Create", exact=True).click()
    expect(form.get_by_label("Votes")).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_text("This is a whole number from 1 to 255.")).to_be_visible()
    expect(name).to_have_value("my_cluster")
    expect(form.locator("[data-link-row]")).to_have_count(2)
    form.get_by_label("Votes").fill("")
    form.get_by_role("button", name="Create", exact=True).click()
    expect(form.get_by_text("A cluster's name has letters, digits and hyphens.")).to_be_visible()
    expect(name).to_be_focused()


def test_the_link_editor_offers_what_is_free_and_says_what_is_twice(page: Page) -> None:
    form = open_dialog(page, "Create Cluster")
    expect(form.get_by_role("button", name="Remove this link")).to_be_disabled()
    form.get_by_role("button", name="Add link").click()
    rows = form.locator("[data-link-row]")
    expect(rows.nth(1).locator("[data-link-number]")).to_have_value("1")
    expect(rows.nth(1).locator("[data-link-address]")).to_have_value("10.1.0.1")
    expect(rows.nth(0)).to_contain_text("eth0 also carries the default route")
    rows.nth(1).locator("[data-link-address]").select_option("10.0.0.1")
    expect(form.get_by_text("10.0.0.1 is used for more than one link.")).to_have_count(2)
    rows.nth(1).get_by_role("button", name="Remove this link").click()
    expect(form.get_by_text("is used for more than one link")).to_have_count(0)


def test_creating_opens_a_window_that_tells_what_happens(site: Site, page: Page) -> None:
    form = open_dialog(page, "Create Cluster")
    form.get_by_label("Cluster name").fill("office")
    form.get_by_role("button", name="Create", exact=True).click()
    window = dialog(page)
    expect(window.locator(".log")).to_contain_text("Checking names and links")
    site.do("go_on")
    expect(window.locator(".task-step")).to_have_text("Making the corosync key")
    expect(window.get_by_role("progressbar")).to_have_attribute("value", "25")
    expect(window.locator(".log")).to_contain_text("Making the corosync key")
    expect(page.locator("#drawer")).to_contain_text("Running: Making the corosync key")
    site.do("go_on", steps=5)
    expect(window.locator(".task-step")).to_have_text("Done")
    expect(window.locator(".log .log-line").last).to_have_text("TASK OK")
    expect(window.get_by_role("button", name="Stop")).to_have_count(0)
    window.get_by_role("button", name="Close").last.click()
    expect(page.locator("#cluster-information")).to_contain_text("office")
    expect(page.get_by_role("button", name="Create Cluster")).to_be_disabled()
    expect(page.get_by_role("button", name="Join Information")).to_be_enabled()


def test_a_task_can_be_stopped_and_opened_again_from_the_list(site: Site, page: Page) -> None:
    form = open_dialog(page, "Create Cluster")
    form.get_by_label("Cluster name").fill("office")
    form.get_by_role("button", name="Create", exact=True).click()
    dialog(page).get_by_role("button", name="Stop and undo").click()
    expect(dialog(page).locator(".task-step")).to_have_text("stopped")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    page.locator("#drawer").get_by_role("link", name="Create Cluster").click()
    expect(dialog(page).locator(".log")).to_contain_text("Checking names and links")


def test_the_log_is_whole_after_a_lost_connection(site: Site, page: Page) -> None:
    form = open_dialog(page, "Create Cluster")
    form.get_by_label("Cluster name").fill("office")
    form.get_by_role("button", name="Create", exact=True).click()
    expect(dialog(page).locator(".log")).to_contain_text("Checking names and links")
    page.evaluate("() => { htmx.createWebSocket = () => { throw new Error('no way through') }; }")
    page.evaluate("() => htmx.find('#live-socket')['htmx-internal-data'].webSocket.socket.close()")
    expect(page.locator("html")).to_have_attribute("data-socket", "lost")
    site.do("go_on", steps=2)
    page.evaluate("() => { htmx.createWebSocket = url => new WebSocket(url); }")
    page.evaluate("() => htmx.find('#live-socket')['htmx-internal-data'].webSocket.init()")
    expect(dialog(page).locator(".log .log-line")).to_have_text(
        ["Checking names and links", "Making the corosync key", "Starting corosync"]
    )
    site.do("go_on")
    expect(dialog(page).locator(".log .log-line").last).to_have_text("Waiting for quorum")


def test_join_information_is_copied_by_its_buttons(site: Site, page: Page) -> None:
    site.do("form", count=1)
    form = open_dialog(page, "Join Information")
    form.get_by_role("button", name="Copy Information").click()
    expect(form.get_by_role("status")).to_have_text("Copied to the clipboard")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert json.loads(base64.b64decode(copied))["totem"]["cluster_name"] == "office"
    form.get_by_role("button", name="Copy the fingerprint").click()
    expect(form.get_by_role("button", name="Copy the fingerprint")).to_have_class(re.compile("is-copied"))
    assert page.evaluate("() => navigator.clipboard.readText()") == FINGERPRINT


def test_copying_works_where_the_page_is_not_trusted_with_the_clipboard(site: Site, page: Page) -> None:
    site.do("form", count=1)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')); }")
    form = open_dialog(page, "Join Information")
    form.get_by_role("button", name="Copy the IP address").click()
    expect(form.get_by_role("button", name="Copy the IP address")).to_have_class(re.compile("is-copied"))
    assert page.evaluate("() => navigator.clipboard.readText()") == "10.0.0.1"


# --- joining ----------------------------------------------------------------------------------------------------------


def test_a_pasted_text_is_read_at_once_and_nonsense_is_said_so(page: Page) -> None:
    form = open_dialog(page, "Join Cluster")
    pasted = form.get_by_label("Information", exact=True)
    pasted.fill("rubbish")
    expect(form.get_by_text("This is not join information")).to_be_visible()
    pasted.fill(invitation())
    expect(form.get_by_text("This is not join information")).to_have_count(0)
    expect(form.locator(".decoded")).to_contain_text("office")
    expect(form.locator(".decoded select").nth(1)).to_have_value("10.1.0.1")
    form.get_by_text("Enter by hand").click()
    expect(form.get_by_role("button", name="Join", exact=True)).to_be_visible()
    expect(pasted).to_be_hidden()


def test_a_wrong_password_costs_nothing_but_the_password(page: Page) -> None:
    form = fill_join(page, "wrong horse")
    form.locator(".decoded select").nth(1).select_option("fd00::1")
    form.get_by_role("button", name="Join ‘office’").click()
    expect(form.get_by_text("The peer does not accept this password.")).to_be_visible()
    expect(form.get_by_label("Peer's password")).to_be_focused()
    expect(form.get_by_label("Peer's password")).to_have_value("wrong horse")
    expect(form.locator(".decoded select").nth(1)).to_have_value("fd00::1")


def test_after_a_join_the_page_is_still_signed_in_and_live(site: Site, page: Page) -> None:
    page.evaluate("() => { window.sameDocument = true; }")
    form = fill_join(page)
    form.get_by_role("button", name="Join ‘office’").click()
    expect(dialog(page)).to_contain_text("certificate from the cluster's own authority")
    site.do("go_on", steps=8)
    expect(dialog(page).locator(".task-step")).to_have_text("Done")
    expect(dialog(page).locator("[data-session-note]")).to_have_text(
        "You are still signed in; this page goes on by itself."
    )
    dialog(page).get_by_role("button", name="Close").last.click()
    expect(page.locator("#cluster-nodes tbody tr")).to_have_count(3)
    open_dialog(page, "Join Information")
    page.keyboard.press("Escape")
    site.do("set_online", name="gamma", online=False)
    expect(node_state(page, "gamma")).to_have_attribute("data-state", "offline")
    assert page.evaluate("() => window.sameDocument") is True


def test_when_the_session_cannot_go_on_by_itself_the_password_is_asked_for_once(site: Site, page: Page) -> None:
    form = fill_join(page)
    form.get_by_role("button", name="Join ‘office’").click()
    expect(dialog(page).locator(".task-step")).to_have_text("Looking at this node")
    site.do("forget_former_life")
    site.do("go_on", steps=8)
    again = page.get_by_role("dialog", name="Sign in again")
    expect(again).to_be_visible()
    again.get_by_label("Password").fill("wrong horse")
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again).to_contain_text("The user name or the password is not right.")
    again.get_by_label("Password").fill(PASSWORD)
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again).to_have_count(0)
    dialog(page).get_by_role("button", name="Close").last.click()
    open_dialog(page, "Join Information")


# --- by keyboard, on small screens, in the dark -----------------------------------------------------------------------


def test_the_keyboard_reaches_the_content_and_dialogs_give_the_focus_back(page: Page) -> None:
    go_again(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    button = page.get_by_role("button", name="Create Cluster")
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_label("Cluster name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog(page)).to_have_count(0)
    expect(button).to_be_focused()


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_screen(site: Site, visitor: Visitor, size: tuple[int, int]) -> None:
    page = sign_in(visitor(site.url, viewport={"width": size[0], "height": size[1]}))
    form = open_dialog(page, "Join Cluster")
    form.get_by_label("Information", exact=True).fill(invitation())
    expect(form.locator(".decoded")).to_be_visible()
    assert overflow(page) == 0 and within(form, size)
    page.keyboard.press("Escape")
    site.do("form", count=4, long_names=True)
    for path in PAGES:
        go(page, site.url + path)
        assert overflow(page) == 0, path
    go(page, site.url)
    assert within(open_dialog(page, "Join Information"), size)


def overflow(page: Page) -> int:
    return int(page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def within(shown: Locator, size: tuple[int, int]) -> bool:
    box: Any = shown.bounding_box()
    return bool(box["x"] >= 0 and box["x"] + box["width"] <= size[0] and box["y"] + box["height"] <= size[1] + 1)


def test_on_a_small_screen_the_tree_opens_over_the_page(site: Site, visitor: Visitor) -> None:
    page = sign_in(visitor(site.url, viewport={"width": 360, "height": 740}))
    tree = page.get_by_role("navigation", name="Datacenter and nodes")
    expect(tree).to_be_hidden()
    page.get_by_role("button", name="Datacenter and nodes").click()
    tree.get_by_role("link", name="alpha").click()
    expect(page.get_by_role("heading", name="alpha")).to_be_visible()
    expect(tree).to_be_hidden()


def test_the_colours_follow_the_system_until_somebody_chooses(site: Site, visitor: Visitor) -> None:
    page = sign_in(visitor(site.url, color_scheme="dark"))
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Colours: as the system has them").click()
    expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    assert page.evaluate(ground) == light
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Colours: light").click()
    assert page.evaluate(ground) == dark


def test_t40_what_others_wrote_runs_nothing(site: Site, page: Page) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda shown: (dialogs.append(shown.message), shown.dismiss()))
    nasty = "<img src=x onerror=alert(1)><svg onload=alert(2)><b hx-get='/' hx-trigger='load'>x</b>"
    site.do("run_task", steps=[nasty], problem=nasty)
    page.locator("#drawer").get_by_role("link", name="Create Cluster").click()
    expect(dialog(page).locator(".log")).to_contain_text(nasty)
    site.do("go_on")
    expect(dialog(page).locator(".log .log-line").last).to_contain_text("TASK ERROR: <img")
    assert dialogs == [] and page.locator(".log img, .log b, .task-now img").count() == 0
