"""The links of a running cluster, by hand in a real Chromium: one added and kept, moved and taken back, and removed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from demo import pages
from demo.visitor import Visit, eventually
from tests.browser.conftest import Visitor
from tests.scenarios.conftest import demo_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
NAMES = ["alpha", "beta"]
SOON_MS = 60_000


@pytest.fixture(scope="module")
def here() -> Iterator[Visit]:
    with demo_of("loopback", len(NAMES)) as visiting:
        visiting.form()
        yield visiting


@pytest.fixture
def page(here: Visit, visitor: Visitor) -> Page:
    shown = visitor("about:blank")
    pages.sign_in(shown, here["alpha"].url, here.user, here.password)
    return shown


def asked(page: Page, link: int, addresses: list[str]) -> Locator:
    """The dialog, with these addresses on that link."""
    dialog = pages.open_dialog(page, "Change Links")
    for name, address in zip(NAMES, addresses, strict=True):
        dialog.locator(f"input[name=link{link}-{name}]").fill(address)
    return dialog


def send(dialog: Locator, page: Page) -> Locator:
    """→ the trial, which is on every page now."""
    dialog.get_by_role("button", name="Change", exact=True).click()
    trial = page.locator("#link-trial")
    expect(trial).to_contain_text("on trial", timeout=SOON_MS)
    expect(pages.dialog(page).locator(".task-step")).to_be_visible()  # the task's window, which may come later
    pages.dialog(page).get_by_role("button", name="Close").last.click()
    expect(pages.dialog(page)).to_have_count(0)
    return trial


def used(here: Visit, link: int) -> list[str]:
    rows = {row["name"]: row for row in here["alpha"].get("/cluster/config/nodes")}
    return [rows[name].get(f"ring{link}_addr", "") for name in NAMES]


def test_a_link_is_added_kept_moved_taken_back_and_removed(here: Visit, page: Page) -> None:
    added, moved = ["127.210.1.1", "127.210.1.2"], ["127.210.2.1", "127.210.2.2"]
    trial = send(asked(page, 1, added), page)
    trial.get_by_role("button", name="Keep it").click()
    expect(trial).to_be_hidden(timeout=SOON_MS)
    assert used(here, 1) == added
    expect(page.locator("#cluster-links caption", has_text="Link 1")).to_be_visible(timeout=SOON_MS)

    trial = send(asked(page, 1, moved), page)
    eventually("the moved addresses are in use", lambda: used(here, 1) == moved, 60)
    trial.get_by_role("button", name="Take it back").click()
    eventually("the former addresses are back", lambda: used(here, 1) == added, 60)
    expect(trial).to_contain_text("The former links are in use again.", timeout=SOON_MS)

    dialog = pages.open_dialog(page, "Change Links")
    dialog.locator("input[name=link1-remove]").check()
    dialog.get_by_label("Confirm by itself").check()
    dialog.get_by_role("button", name="Change", exact=True).click()
    pages.await_task(page, 60)
    eventually("link 1 is gone", lambda: used(here, 1) == ["", ""], 60)
    expect(page.locator("#cluster-links caption", has_text="Link 1")).to_have_count(0, timeout=SOON_MS)


def test_an_address_that_is_none_is_refused_at_its_link(here: Visit, page: Page) -> None:
    dialog = asked(page, 1, ["127.210.3.1", "10.0.0.999"])
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(dialog.get_by_text("This is neither an IP address nor a host name.").first).to_be_visible()
    assert used(here, 1) == ["", ""]
