"""Datacenter → Events in a real Chromium: live at the newest edge, by keyboard, on a phone, with long names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.site import Site, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def events_page(site: Site, visitor: Visitor, **options: object) -> Page:
    return sign_in(visitor(f"{site.url}/datacenter/events", **options))


def test_events_appear_are_walked_by_keys_chosen_and_taken_along(site: Site, visitor: Visitor) -> None:
    page = events_page(site, visitor)
    expect(page.get_by_text("Nothing has happened yet")).to_be_visible()
    site.do("form")
    site.do("tell_of_a_split")
    parts = page.get_by_role("region", name="When the cluster was in parts")
    expect(parts).to_contain_text("alpha, beta saw only each other; with quorum")
    expect(page.locator(".flight-away")).to_contain_text("gamma: what it saw is unknown since")
    rows = page.locator(".table-flight tbody tr")
    gone = rows.filter(has_text="gamma is gone.")
    expect(gone).to_contain_text("because its links 0 and 1 to alpha were down since")
    expect(gone.locator("td").nth(2)).to_contain_text("+0.12 s")

    rows.first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(rows.last).to_be_focused()
    held = rows.last.get_attribute("id")
    site.do("record", node="alpha", code="quorum-gained", kind="quorum", sentence="There is quorum again.")
    expect(rows.first).to_contain_text("There is quorum again.")
    expect(page.locator(f"#{held}")).to_be_focused()  # what is new does not take the attention away

    page.get_by_label("Kind").select_option("link")
    expect(rows).to_have_count(2)
    assert page.url.endswith("/datacenter/events?kind=link")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export JSON").click()
    whole = json.loads(Path(download.value.path()).read_text())
    assert {row["code"] for row in whole["events"]} == {"link-down"}
    page.get_by_label("Kind").select_option("store")
    page.locator("#flight-filter [name=node]").select_option("beta")
    expect(page.get_by_text("Nothing of this kind was recorded")).to_be_visible()


def test_a_phone_shows_cards_and_long_names_fit(site: Site, visitor: Visitor) -> None:
    site.do("form")
    site.do("tell_of_a_split")
    page = events_page(site, visitor, viewport={"width": 360, "height": 740})
    expect(page.locator(".table-flight tbody tr").first).to_be_visible()
    widths = "[document.documentElement.scrollWidth, document.querySelector('#content').scrollWidth]"
    assert page.evaluate(widths) == [360, 360]
