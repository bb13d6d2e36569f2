"""Checking first, in the dialogs of a real Chromium over real nodes: rows as they come, a button that mends one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from cluster.control.token_requests import TokenCreate
from demo import pages
from tests.browser.conftest import Visitor
from tests.scenarios.conftest import demo_of
from tests.scenarios.evidence import ask

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
CHECKED_MS = 60_000
PICTURES = os.environ.get("QUIRE_TEST_PICTURES")  # a folder, for whoever wants to look


def row(dialog: Locator, code: str) -> Locator:
    return dialog.locator(f".finding[data-code={code}]")


def check(page: Page) -> Locator:
    """Press the button and wait for the end; → the dialog."""
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Check first").click()
    expect(dialog.locator(".finding").first).to_be_visible(timeout=CHECKED_MS)
    expect(dialog.locator(".findings-head")).not_to_contain_text("Looking", timeout=CHECKED_MS)
    return dialog


def look(page: Page, name: str) -> None:
    if PICTURES:
        page.get_by_role("dialog").locator(".findings").scroll_into_view_if_needed()
        page.screenshot(path=Path(PICTURES, f"{name}.png"), animations="disabled")


def test_create_and_join_are_looked_at_first_and_all_nodes_compared_after(visitor: Visitor) -> None:
    with demo_of("loopback", 2) as here:
        key = here.state / "alpha" / "corosync" / "authkey"
        key.parent.mkdir(exist_ok=True)
        key.write_bytes(b"k" * 256)
        alpha = visitor("about:blank")
        pages.sign_in(alpha, here["alpha"].url, here.user, here.password)
        pages.open_dialog(alpha, "Create Cluster")
        dialog = check(alpha)
        left = row(dialog, "leftovers")
        expect(left).to_contain_text("authkey")
        look(alpha, "create")
        left.get_by_role("button", name="Move them to a backup").click()
        expect(left).to_contain_text("Moved to the backup leftovers-")
        assert not key.exists()
        dialog = check(alpha)
        expect(row(dialog, "leftovers")).to_contain_text("Nothing of a former cluster")
        for code in ("membership", "link", "space", "ssh", "bond", "shared-network", "cpu", "version", "time-source"):
            expect(row(dialog, code)).to_be_visible()
        dialog.get_by_role("button", name="Close").click()
        pages.create(alpha, "office")

        beta = visitor("about:blank")
        pages.sign_in(beta, here["beta"].url, here.user, here.password)
        text = ask(here["alpha"], TokenCreate("rack"))["invitation"]
        pages.open_dialog(beta, "Join Cluster").get_by_label("Information", exact=True).fill(text)
        expect(beta.locator("#join-decoded")).to_contain_text("office", timeout=CHECKED_MS)
        dialog = check(beta)
        for code in ("peer", "unique-name", "unique-address", "unique-id", "tcp", "clock", "names", "version"):
            expect(row(dialog, code)).to_have_class("finding finding-ok")
        look(beta, "join")
        dialog.get_by_role("button", name="Close").click()
        pages.join(beta, pages.copy_join_information(alpha), "office", here.password)
        pages.expect_nodes(alpha, ["alpha", "beta"], 30)

        dialog = pages.open_dialog(alpha, "Compare Nodes")
        for name in ("alpha", "beta"):
            expect(dialog.locator(".findings")).to_contain_text(f"{name} has answered.", timeout=CHECKED_MS)
        expect(dialog.locator(".findings-head")).not_to_contain_text("Looking", timeout=CHECKED_MS)
        look(alpha, "compare")
        expect(row(dialog, "alike")).to_be_visible()
