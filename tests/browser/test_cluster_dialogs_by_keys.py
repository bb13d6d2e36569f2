"""The dialogs that change the cluster by keyboard alone: refused, mended, sent, and seen to their end.

Over a fake daemon. What is refused keeps what was typed and goes to the field that is wrong; Escape closes and gives
the focus back.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visitor
from tests.browser.keyed import DIALOGS, Keyed, enter
from tests.browser.site import Site, go_again
from tests.browser.test_keyboard import invitation as join_information
from tests.datacenter.fake_daemon import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


def test_the_dialogs_that_change_the_cluster(site: Site, visitor: Visitor) -> None:
    page = visitor(site.url)
    keyed = Keyed(enter(page))
    job(site, keyed, "Create Cluster", {"clustername": "my_cluster"}, {"clustername": "office"})
    site.do("form", count=3)
    go_again(page)
    invitation(keyed)
    site.do("refuse", request="Rename", field="name", sentence="There is one of that name.")
    job(site, keyed, "Rename the cluster", {"name": "taken"}, {"name": "works"}, "Rename")
    job(site, keyed, "Rename beta", {"name": "gamma"}, {"name": "delta"}, "Rename")
    job(site, keyed, "Remove beta", {"confirm": "bet"}, {"confirm": "beta"})
    job(site, keyed, "Leave the cluster", {"confirm": ""}, {"confirm": "alpha"})
    job(site, keyed, "Change Links", {}, {"link0-beta": "10.0.0.77"})
    expected = keyed.page.get_by_role("button", name="Expected Votes")
    refused(keyed, expected, {"expected": "many"})
    keyed.fill({"expected": "1", "sure": "1", "minutes": "5"})
    assert keyed.send() == 200
    expect(keyed.dialog).to_contain_text("is expected now")
    keyed.escape(expected)
    site.do("run_corosync")
    job(site, keyed, "Set Up Witness", {"invitation": ""}, {"invitation": "quire-witness:e30"})
    site.do("run_corosync", witness="10.0.0.9")
    job(site, keyed, "Remove Witness", {"confirm": "10.0.0.8"}, {"confirm": "10.0.0.9"})
    site.do("remember_join")
    go_again(page)
    job(site, keyed, "Undo the join", {"confirm": "beta"}, {"confirm": "alpha"})
    assert keyed.problems == [], "\n".join(keyed.problems)
    assert set(DIALOGS["cluster"].values()) - keyed.walked == {"join-title"}


def test_a_cluster_is_joined_after_a_wrong_text_and_a_wrong_password(site: Site, visitor: Visitor) -> None:
    keyed = Keyed(enter(visitor(site.url)))
    button = keyed.page.get_by_role("button", name="Join Cluster")
    refused(keyed, button, {"invitation": "rubbish"})
    text = join_information()
    keyed.fill({"invitation": text}, grows=True)
    expect(keyed.page.get_by_role("button", name="Join ‘office’")).to_be_visible()
    typed = keyed.fill({"password": "wrong horse"})
    assert keyed.send() == 422 and keyed.is_refused(typed)
    keyed.fill({"password": PASSWORD})
    assert keyed.send() == 200
    followed(site, keyed)
    assert keyed.problems == [], "\n".join(keyed.problems)
    assert keyed.walked == {"join-title", "task-title"}


def job(site: Site, keyed: Keyed, button: str, wrong: dict[str, str], right: dict[str, str], name: str = "") -> None:
    """Refused, closed, refused again, mended and seen to its end in the window of its task."""
    opener = keyed.page.get_by_role("button", name=re.compile(f"^{button}")).first
    if name:
        site.do("refuse", request=name, field="name", sentence="There is one of that name.")
    refused(keyed, opener, wrong)
    keyed.escape(opener)
    refused(keyed, opener, wrong)
    if name:
        site.do("allow", request=name)
    keyed.fill(right)
    assert keyed.send() == 200, keyed.what
    followed(site, keyed)


def refused(keyed: Keyed, opener: Locator, wrong: dict[str, str]) -> None:
    expect(opener).to_be_enabled()  # once the page has heard of what makes it possible
    keyed.open(opener)
    typed = keyed.fill(wrong)
    assert keyed.send() == 422 and keyed.is_refused(typed), keyed.what


def followed(site: Site, keyed: Keyed) -> None:
    """The task's window begins at the button that closes it."""
    expect(keyed.page.locator(".dialog-task")).to_be_visible()
    keyed.arrived()
    keyed.what = "a task's window"
    keyed.fill({})
    site.do("go_on", steps=8)
    expect(keyed.dialog.locator(".task-step")).to_have_text("Done")
    expect(keyed.dialog.locator("footer [data-close]")).to_be_focused()
    keyed.page.keyboard.press("Enter")
    keyed.closed()


def invitation(keyed: Keyed) -> None:
    """Join Information: read, and a token made in it."""
    button = keyed.page.get_by_role("button", name="Join Information")
    keyed.open(button)
    expect(keyed.dialog.get_by_role("button", name=re.compile("token", re.IGNORECASE)).first).to_be_visible()
    keyed.fill({"name": "rack 4"})
    keyed.send()
    expect(keyed.dialog.locator(".token-made")).to_be_visible()
    expect(keyed.dialog.locator("[data-copy=token-text]")).to_be_focused()
    keyed.page.keyboard.press("Enter")
    expect(keyed.dialog.get_by_role("status")).to_have_text("Copied to the clipboard")
    keyed.escape(button)
