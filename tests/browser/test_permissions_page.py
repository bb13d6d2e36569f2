"""Permissions in a real Chromium, by mouse and keyboard: what is made on one page appears on another's, live."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from demo import pages
from demo.visitor import Visit
from tests.browser.conftest import Visitor
from tests.scenarios.conftest import NETWORK, demo_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

FIRST_ADDRESS = f"{NETWORK}.101"


def open_sheet(page: Page, here: Visit, node: str, name: str) -> None:
    pages.sign_in(page, here[node].url, here.user, here.password)
    page.get_by_role("navigation", name="Datacenter", exact=True).get_by_role("link", name="Permissions").click()
    page.get_by_role("navigation", name="Permissions").get_by_role("link", name=name, exact=True).click()
    expect(pages.heading(page, name)).to_be_visible()


def go_to(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Permissions").get_by_role("link", name=name, exact=True).click()
    expect(pages.heading(page, name)).to_be_visible()


def submit(page: Page, button: str) -> None:
    pages.dialog(page).get_by_role("button", name=button, exact=True).click()
    expect(pages.dialog(page)).to_have_count(0)


def test_users_groups_and_rights_are_made_and_seen_elsewhere_at_once(visitor: Visitor) -> None:
    with demo_of("loopback", 2, FIRST_ADDRESS) as here:
        here.create("office")
        here.join("beta")
        alpha, beta = visitor("about:blank"), visitor("about:blank")
        open_sheet(beta, here, "beta", "Users")
        pages.await_live(beta)
        beta.evaluate("() => { window.sameDocument = true; }")

        open_sheet(alpha, here, "alpha", "Groups")
        pages.open_dialog(alpha, "Add group").get_by_label("Name").fill("ops")
        alpha.keyboard.press("Enter")
        expect(alpha.get_by_role("row", name="ops")).to_be_visible()
        add_alice(alpha)
        expect(beta.get_by_role("row", name="alice@pve")).to_contain_text("ops")
        assert beta.evaluate("() => window.sameDocument"), "the page was reloaded"

        go_to(alpha, "Permissions")
        dialog = pages.open_dialog(alpha, "Give a role")
        dialog.get_by_label("Path", exact=True).fill("/nodes")
        dialog.get_by_label("Who").select_option("group:ops")
        submit(alpha, "Give a role")
        go_to(alpha, "Users")
        alpha.get_by_role("row", name="alice@pve").get_by_role("link", name="Rights").click()
        expect(alpha.get_by_text("Role PVEAuditor, given to the group ops on /nodes")).to_be_visible()

        token_value_is_shown_once(alpha, here.password)
        remove_alice(alpha)
        expect(beta.get_by_role("row", name="alice@pve")).to_have_count(0)
        one_of_many_is_found(alpha, here)


def add_alice(page: Page) -> None:
    """A first try is refused beside its field, and loses nothing of what was typed."""
    go_to(page, "Users")
    dialog = pages.open_dialog(page, "Add user")
    expect(dialog.get_by_label("User name")).to_be_focused()
    page.keyboard.type("alice")
    dialog.get_by_label("Password", exact=True).fill("short")
    dialog.get_by_label("Comment").fill("from the office")
    dialog.get_by_label("ops").check()
    dialog.get_by_role("button", name="Add user").click()
    expect(dialog.get_by_text("Must be a password of 8 to 64 characters.")).to_be_visible()
    expect(dialog.get_by_label("Password", exact=True)).to_be_focused()
    expect(dialog.get_by_label("Comment")).to_have_value("from the office")
    page.keyboard.press("Control+A")
    page.keyboard.type("correct horse")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="alice@pve")).to_contain_text("from the office")


def token_value_is_shown_once(page: Page, password: str) -> None:
    go_to(page, "API tokens")
    dialog = pages.open_dialog(page, "Add token")
    dialog.get_by_label("User").select_option("alice@pve")
    dialog.get_by_label("Name").fill("ci")
    dialog.get_by_label("Your own password").fill(password)
    dialog.get_by_role("button", name="Add token").click()
    value = pages.dialog(page).get_by_label("Value", exact=True).input_value()
    pages.dialog(page).get_by_role("button", name="Copy the token's value").click()
    expect(pages.dialog(page).get_by_role("status")).to_contain_text("Copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == value
    page.keyboard.press("Escape")
    expect(pages.dialog(page)).to_have_count(1)
    submit(page, "I have copied it")
    expect(page.get_by_role("row", name="alice@pve!ci")).to_be_visible()
    expect(page.get_by_text(value)).to_have_count(0)


def remove_alice(page: Page) -> None:
    go_to(page, "Users")
    page.get_by_role("button", name="Remove: alice@pve").click()
    expect(pages.dialog(page).get_by_role("button", name="Cancel")).to_be_focused()
    submit(page, "Remove")
    expect(page.get_by_role("row", name="alice@pve")).to_have_count(0)


def one_of_many_is_found(page: Page, here: Visit) -> None:
    """What is typed holds for what comes anew as well."""
    for number in range(25):
        here["alpha"].post("/access/users", userid=f"user{number}@pve", comment="in the cellar")
    page.reload()
    pages.await_live(page)
    page.get_by_label("Find in this list").fill("cellar user2")
    shown = page.locator("#sheet-users tbody tr:visible")
    expect(shown).to_have_count(6)  # 2, and 20 to 24
    here["beta"].sign_in().post("/access/users", userid="user29@pve", comment="in the cellar")
    expect(page.get_by_role("row", name="user29@pve")).to_be_visible()
    expect(shown).to_have_count(7)
    expect(page.get_by_text("7 / 27")).to_be_visible()
