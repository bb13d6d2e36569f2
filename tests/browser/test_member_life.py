"""What becomes of a member, by hand in a real Chromium: a join undone and done again, a removal with its plan, its
typed confirmation and its undoing, new names for a node and the cluster, leaving from the node and coming back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from cluster.control.requests import Status
from demo import pages
from demo.visitor import Refused, Visit, eventually
from tests.browser.conftest import Visitor
from tests.scenarios.conftest import demo_of
from tests.scenarios.evidence import ask

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.usefixtures("patience")]
NAMES = ["alpha", "beta", "gamma"]
SOON_S = 60.0
SOON_MS = SOON_S * 1000


@pytest.fixture(scope="module")
def here() -> Iterator[Visit]:
    """alpha, beta and gamma in one cluster, on the loopback engine."""
    with demo_of("loopback", 3) as visiting:
        visiting.form()
        yield visiting


def opened(here: Visit, visitor: Visitor, node: str) -> Page:
    page = visitor("about:blank")
    pages.sign_in(page, here[node].url, here.user, here.password)
    return page


def confirm(shown: Locator, name: str, button: str) -> None:
    """A wrong name is refused in the dialog; then the right one."""
    shown.get_by_label(re.compile("to confirm")).fill("someone-else")
    shown.get_by_role("button", name=button, exact=True).click()
    expect(shown.locator(".field-error", has_text=f"Type the node's name, {name}")).to_be_visible()
    shown.get_by_label(re.compile("to confirm")).fill(name)
    shown.get_by_role("button", name=button, exact=True).click()


def alone(here: Visit, name: str) -> None:
    """The node is in no cluster, can be written, and takes sign-ins of its own."""

    def on_its_own() -> bool:
        cluster = ask(here[name], Status())["cluster"]
        return cluster["name"] == "" and cluster["store"]["writable"]

    eventually(f"{name} is on its own", on_its_own, SOON_S)
    eventually(f"{name} takes a sign-in", here[name].sign_in, SOON_S)


def whole(here: Visit, names: list[str]) -> None:
    def seen(node: str) -> bool:
        try:
            return here[node].online() == set(names)
        except Refused:
            return bool(here[node].sign_in().online() == set(names))

    for node in NAMES:
        eventually(f"{node} sees all", lambda node=node: seen(node), SOON_S)


def come_back(here: Visit, visitor: Visitor) -> None:
    """gamma joins by pasted join information, as it did the first time."""
    alpha, gamma = opened(here, visitor, "alpha"), opened(here, visitor, "gamma")
    expect(gamma.get_by_text("Standalone node - no cluster defined")).to_be_visible()
    text = pages.copy_join_information(alpha)
    pages.paste_invitation(gamma, text, "office")
    dialog = pages.dialog(gamma)
    dialog.get_by_label("Peer's password").fill(here.password)
    dialog.get_by_role("button", name="Join ‘office’").click()
    pages.expect_nodes(alpha, NAMES, SOON_S)
    pages.expect_state(alpha, "gamma", "online", SOON_S)
    whole(here, NAMES)


def test_a_join_is_undone_from_the_page_and_the_node_joins_again(here: Visit, visitor: Visitor) -> None:
    page = opened(here, visitor, "gamma")
    panel = page.get_by_role("region", name="Copies of This Node's Store")
    expect(panel).to_contain_text("from before it joined office")
    panel.get_by_role("button", name="Undo the join").click()
    confirm(pages.dialog(page), "gamma", "Undo the join")
    alone(here, "gamma")
    come_back(here, visitor)


def test_a_node_is_removed_by_its_plan_and_the_removal_is_taken_back(here: Visit, visitor: Visitor) -> None:
    page = opened(here, visitor, "alpha")
    dialog = pages.open_dialog(page, "Remove gamma")
    expect(dialog.locator(".plan-votes")).to_contain_text("3 of 3")
    expect(dialog.locator(".plan-order")).to_contain_text("it leaves in good order")
    confirm(dialog, "gamma", "Remove")
    pages.await_task(page, SOON_S)
    pages.expect_nodes(page, ["alpha", "beta"], SOON_S)
    said = opened(here, visitor, "gamma")
    expect(said.locator("body")).to_contain_text("was removed from the cluster office", timeout=SOON_MS)

    here["alpha"].sign_in()
    page = opened(here, visitor, "alpha")  # the key that signs tickets changed with the removal
    gone = page.get_by_role("region", name="Former Nodes")
    gone.get_by_role("button", name="Undo removal").click()
    expect(page.locator("#cluster-gone")).to_contain_text("gamma is a member again")
    pages.expect_nodes(page, NAMES, SOON_S)
    pages.expect_state(page, "gamma", "online", SOON_S)
    whole(here, NAMES)


def test_a_node_and_the_cluster_are_called_otherwise_and_back_again(here: Visit, visitor: Visitor) -> None:
    page = opened(here, visitor, "alpha")
    for former, name in (("beta", "betty"), ("betty", "beta")):
        dialog = pages.open_dialog(page, f"Rename {former}")
        dialog.get_by_label("New name").fill("gamma")
        expect(dialog).to_contain_text("is part of the cluster already")
        dialog.get_by_label("New name").fill(name)
        expect(dialog).to_contain_text(f"Call the node {former} {name}")
        dialog.get_by_role("button", name="Rename", exact=True).click()
        pages.await_task(page, SOON_S)
        pages.expect_nodes(page, ["alpha", name, "gamma"], SOON_S)
        pages.expect_state(page, name, "online", SOON_S)
    for name in ("bureau", "office"):
        dialog = pages.open_dialog(page, "Rename the cluster")
        dialog.get_by_label("New name").fill(name)
        expect(dialog).to_contain_text(f"Call the cluster {name}")
        dialog.get_by_role("button", name="Rename", exact=True).click()
        pages.await_task(page, SOON_S)
        expect(page.locator("#cluster-information dd").first).to_contain_text(name, timeout=SOON_MS)
    whole(here, NAMES)


def test_a_node_leaves_from_its_own_page_and_comes_back_under_its_name(here: Visit, visitor: Visitor) -> None:
    page = opened(here, visitor, "gamma")
    dialog = pages.open_dialog(page, "Leave the cluster")
    expect(dialog).to_contain_text("without being installed again")
    confirm(dialog, "gamma", "Leave")
    alone(here, "gamma")
    come_back(here, visitor)
