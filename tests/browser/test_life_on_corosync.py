"""A member's life on real corosync, by hand in a real Chromium: joining with content, a change of links that nobody
confirms, other names, a removal taken back, votes lowered for a minute, separation from a lost cluster, a check and a
join with a token, a join undone, leaving and coming back.

One cluster of alpha, beta and gamma goes through all of it in order; what the pages say is held against corosync and
the store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from cluster.control.store_requests import StoreWrite
from demo import pages
from demo.visitor import eventually
from lab import faults
from lab.hosts import Lab
from tests.browser.conftest import Visitor
from tests.browser.life import (
    SOON_MS,
    SOON_S,
    alone,
    asked_to_join,
    checked_first,
    close,
    compared,
    confirm,
    is_below,
    join_token,
    look,
    opened,
    own,
    signed_in_again,
    stored,
    used,
    whole,
)
from tests.scenarios.conftest import demo_of
from tests.scenarios.evidence import ask
from tests.scenarios.office import NAMES, Office, quicker

pytestmark = [
    pytest.mark.browser,
    pytest.mark.corosync,
    pytest.mark.slow,
    pytest.mark.timeout(400),
]
CONFIRM_S = 26  # of which the change waits for eighteen
EXPIRES_MS = 120_000  # a minute, and time to notice
MOVED = 100  # added to the last part of an address
OWN_GUEST, ITS_GUEST = "nodes/gamma/qemu-server/100.conf", "nodes/gamma/qemu-server/101.conf"
LISTED = ("corosync-quorumtool", "-l")
EVERY_PAGE = ("/datacenter/summary", "/datacenter/config", "/datacenter/events", "/account", "/nodes/alpha", "/")


def content(node: str) -> dict[str, str]:
    """Of one name and one number on whichever node it is."""
    return {
        "storage.cfg": f"dir: fast\n\tpath /srv/{node}\n",
        f"nodes/{node}/qemu-server/100.conf": f"name: of-{node}\nscsi0: fast:vm-100-disk-0\n",
        "datacenter.cfg": f"description: of {node}\n",
    }


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    """alpha and beta in one cluster; gamma stands alone. Both sides have something of their own."""
    with demo_of("corosync", len(NAMES)) as visit:
        here = Office(visit, Lab.at(str(visit.state / "lab")))
        links = {name: {f"link{number}": here.lab.address(name, number) for number in (0, 1)} for name in NAMES}
        visit.create(**links["alpha"])
        visit.join("beta", **links["beta"])
        quicker(visit)
        for node in ("alpha", "gamma"):
            for path, text in content(node).items():
                ask(here[node], StoreWrite(path, text.encode()))
        yield here


def test_a_node_that_has_content_is_shown_what_becomes_of_it_and_brings_it_along(
    office: Office, visitor: Visitor
) -> None:
    alpha, gamma = opened(office.visit, visitor, "alpha"), opened(office.visit, visitor, "gamma")
    dialog = asked_to_join(alpha, gamma, office.visit.password)
    plan = dialog.locator(".plan-list")
    expect(plan.get_by_role("listitem").filter(has_text="storage.cfg")).to_contain_text("On this node only.")
    expect(plan.get_by_role("listitem").filter(has_text=OWN_GUEST)).to_contain_text("It keeps the number 100.")
    expect(plan.get_by_role("listitem").filter(has_text="datacenter.cfg")).to_contain_text("The cluster's counts")
    look(gamma, "join-plan", ".plan-list")

    dialog.get_by_label("Bring it along into the cluster").uncheck()
    dialog.get_by_role("button", name="Join ‘office’").click()
    expect(dialog.locator(".task-step")).to_contain_text("their ids could collide", timeout=SOON_MS)
    close(gamma)
    gamma.set_viewport_size({"width": 360, "height": 740})
    gamma.get_by_role("button", name="Show tasks and log").click()
    status, beside = gamma.locator("#task-list .task-status").first, gamma.locator("#task-list td.num").first
    expect(status).to_contain_text("Bring its own configuration along")
    eventually("a long sentence covers nothing below it", lambda: is_below(beside, status), SOON_S)
    gamma.set_viewport_size({"width": 1280, "height": 720})
    assert office["alpha"].online() == {"alpha", "beta"}

    dialog = asked_to_join(alpha, gamma, office.visit.password)
    dialog.get_by_role("button", name="Join ‘office’").click()
    expect(dialog.locator(".task-step")).to_have_text("Done", timeout=SOON_MS)
    log = dialog.get_by_role("list", name="Log")
    expect(log).to_contain_text("fast-gamma, on this node only: the cluster has another fast.")
    expect(log).to_contain_text("It becomes guest 101: the cluster has a 100.")
    look(gamma, "join-log")
    close(gamma)
    pages.expect_nodes(alpha, NAMES, SOON_S)
    pages.expect_state(alpha, "gamma", "online", SOON_S)
    copies = gamma.get_by_role("region", name="Copies of This Node's Store")
    expect(copies).to_contain_text("from before it joined office", timeout=SOON_MS)
    expect(copies.get_by_role("button", name="Undo the join")).to_be_visible()
    look(gamma, "join-copies", "[aria-labelledby=copies-title]")

    for path, said in (("storage.cfg", "dir: fast-gamma"), (ITS_GUEST, "scsi0: fast-gamma:vm-100-disk-0")):
        alpha.goto(f"{office['alpha'].url}/datacenter/config?path={path}")
        expect(alpha.locator("pre.file-text")).to_contain_text(said)
    assert "of-alpha" in stored(office, "gamma", "nodes/alpha/qemu-server/100.conf")
    assert "of alpha" in stored(office, "gamma", "datacenter.cfg")


def test_a_change_of_addresses_that_nobody_confirms_goes_back_while_the_page_counts(
    office: Office, visitor: Visitor
) -> None:
    alpha, beta = opened(office.visit, visitor, "alpha"), opened(office.visit, visitor, "beta")
    former = used(office)
    dialog = pages.open_dialog(alpha, "Change Links")
    for name in NAMES:
        network, _, last = office.lab.address(name, 1).rpartition(".")
        moved = f"{network}.{int(last) + MOVED}"
        office[name].command("ip", "addr", "add", f"{moved}/24", "dev", "link1")
        dialog.locator(f"input[name=link1-{name}]").fill(moved)
    waits = dialog.get_by_label("Seconds until it goes back, unless it is confirmed")
    waits.fill("2")
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(dialog.get_by_text(re.compile("The time until an unconfirmed change is back is from")).first).to_be_visible()
    waits.fill(str(CONFIRM_S))
    look(alpha, "links-dialog", "#change-links-confirm")
    dialog.get_by_role("button", name="Change", exact=True).click()

    trial = alpha.locator("#link-trial")
    expect(trial).to_contain_text("A change of the links is on trial.", timeout=SOON_MS)
    expect(trial.locator("button", has_text="Keep it")).to_be_attached()
    counted = trial.locator("time[data-left]")
    expect(counted).to_have_text(re.compile(r"^\d+ s$"))
    before = counted.inner_text()
    expect(counted).not_to_have_text(before)
    expect(beta.locator("#link-trial")).to_contain_text("root@pam began it.")
    look(beta, "links-trial", "#link-trial")

    expect(dialog.locator(".task-step")).to_contain_text("went back", timeout=SOON_MS)
    close(alpha)
    for page in (alpha, beta):
        back = page.locator("#link-trial")
        expect(back).to_contain_text("The former links are in use again.", timeout=SOON_MS)
        expect(back).to_contain_text("The change that root@pam began was not kept")
        expect(page.get_by_role("button", name="Change Links")).to_be_enabled()
    look(alpha, "links-back", "#link-trial")
    assert used(office) == former


def test_a_link_is_taken_out_of_corosync_and_added_again_and_kept(office: Office, visitor: Visitor) -> None:
    page, former = opened(office.visit, visitor, "alpha"), used(office)
    dialog = pages.open_dialog(page, "Change Links")
    dialog.locator("input[name=link1-remove]").check()
    dialog.get_by_label("Confirm by itself").check()
    dialog.get_by_role("button", name="Change", exact=True).click()
    pages.await_task(page, SOON_S)
    assert used(office) == {}

    expect(page.locator("#cluster-links caption", has_text="Link 1")).to_have_count(0, timeout=SOON_MS)
    dialog = pages.open_dialog(page, "Change Links")
    for name in NAMES:
        dialog.locator(f"input[name=link1-{name}]").fill(office.lab.address(name, 1))
    dialog.get_by_role("button", name="Change", exact=True).click()
    expect(dialog.get_by_role("list", name="Log")).to_contain_text("Confirm the change within", timeout=SOON_MS)
    close(page)
    page.locator("#link-trial").get_by_role("button", name="Keep it").click()
    expect(page.locator("#link-trial")).to_be_hidden(timeout=SOON_MS)
    expect(page.locator("#cluster-links caption", has_text="Link 1")).to_be_visible(timeout=SOON_MS)
    assert used(office) == former


def test_a_node_and_the_cluster_are_called_otherwise_and_back_again(office: Office, visitor: Visitor) -> None:
    page = opened(office.visit, visitor, "alpha")
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
        eventually("corosync calls it so", lambda name=name: name in office["gamma"].command(*LISTED).stdout, SOON_S)
    for name in ("bureau", "office"):
        dialog = pages.open_dialog(page, "Rename the cluster")
        dialog.get_by_label("New name").fill(name)
        expect(dialog).to_contain_text(f"Call the cluster {name}")
        dialog.get_by_role("button", name="Rename", exact=True).click()
        pages.await_task(page, SOON_S)
        expect(page.locator("#cluster-information dd").first).to_contain_text(name, timeout=SOON_MS)
    whole(office, NAMES)


def test_a_live_node_is_removed_by_its_plan_and_the_removal_is_taken_back(office: Office, visitor: Visitor) -> None:
    page = opened(office.visit, visitor, "alpha")
    dialog = pages.open_dialog(page, "Remove gamma")
    expect(dialog.locator(".plan-votes")).to_contain_text("3 of 3")
    expect(dialog.locator(".plan-order")).to_contain_text("it leaves in good order")
    expect(dialog.locator(".plan-references")).to_contain_text("guest 101")
    confirm(dialog, "gamma", "Remove")
    signed_in_again(page, office.visit.password)
    pages.await_task(page, SOON_S)
    pages.expect_nodes(page, ["alpha", "beta"], SOON_S)
    assert "gamma" not in office["alpha"].command(*LISTED).stdout
    said = opened(office.visit, visitor, "gamma")
    expect(said.locator("body")).to_contain_text("was removed from the cluster office", timeout=SOON_MS)

    gone = page.get_by_role("region", name="Former Nodes")
    gone.get_by_role("button", name="Undo removal").click()
    expect(page.locator("#cluster-gone")).to_contain_text("gamma is a member again")
    pages.expect_nodes(page, NAMES, SOON_S)
    pages.expect_state(page, "gamma", "online", SOON_S)
    whole(office, NAMES)
    assert "fast-gamma" in stored(office, "gamma", ITS_GUEST)


def test_votes_are_lowered_for_a_minute_and_a_node_that_lost_its_cluster_is_separated(
    office: Office, visitor: Visitor
) -> None:
    page, gamma = opened(office.visit, visitor, "alpha"), opened(office.visit, visitor, "gamma")
    office.lab.kill("beta")
    faults.cut(office.lab, ["alpha"], ["gamma"])
    for name in ("beta", "gamma"):
        pages.expect_state(page, name, "offline", SOON_S)
    expect(page.locator("#read-only")).to_contain_text("beta", timeout=SOON_MS)

    dialog = pages.open_dialog(page, "Expected Votes")
    expect(dialog).to_contain_text("3 votes are configured and 1 present; 2 are needed now.")
    expect(dialog).to_contain_text("With 1 expected, 1 would be needed: this side would be quorate.")
    expect(dialog).to_contain_text("the store counts the configured votes")
    expect(dialog.locator(".note", has_text="beta, 1 vote:")).to_contain_text("answers at none of its addresses.")
    alive = dialog.locator(".note", has_text="gamma, 1 vote:")
    expect(alive).to_contain_text(f"answers at {office.lab.management_address('gamma')}, so it is not off.")
    look(page, "expected-dialog")
    dialog.get_by_label("For how many minutes").fill("1")
    lower = dialog.get_by_role("button", name="Expect fewer votes")
    lower.click()
    expect(dialog.get_by_text("Say that you know that they are off.").first).to_be_visible()
    dialog.get_by_label("I know that the nodes that are not here are switched off").check()
    lower.click()
    expect(dialog.locator(".form-errors")).to_contain_text("may go on by itself, and then both sides act")
    dialog.get_by_label("Do it although a node answers").check()
    lower.click()
    expect(dialog).to_contain_text("1 vote is expected now; 3 are configured.")
    close(page)
    for path in EVERY_PAGE:
        page.goto(office["alpha"].url + path)
        banner = page.get_by_role("region", name="Expected votes are lowered")
        expect(banner).to_contain_text("Expected votes are lowered on this node: 1 instead of 3. root@pam did it.")
    look(page, "expected-banner")
    assert "Quorate:          Yes" in office["alpha"].command("corosync-quorumtool", "-s").stdout

    separate(office, gamma)

    expect(page.locator("#lowered-votes")).to_be_hidden(timeout=EXPIRES_MS)
    expect(page.locator("#cluster-quorum .facts")).to_contain_text(re.compile(r"Votes needed\s*2"), timeout=SOON_MS)
    said = office["alpha"].command("corosync-quorumtool", "-s").stdout
    assert "Quorate:          No" in said and "Expected votes:   3" in said, said


def separate(office: Office, page: Page) -> None:
    """gamma, which hears nobody over its links, becomes a node on its own: alpha answers, so it takes a second yes."""
    pages.expect_state(page, "alpha", "offline", SOON_S)
    dialog = pages.open_dialog(page, "Leave the cluster")
    expect(dialog).to_contain_text("Separated, this node keeps its copy of the configuration")
    expect(dialog).to_contain_text("What names gamma stays as it is: nothing is archived or taken out.")
    answers = f"alpha answers at {office.lab.management_address('alpha')}"
    expect(dialog.locator(".note-bad").last).to_contain_text(answers)
    expect(dialog.locator(".note-bad").last).to_contain_text("so not all the others are gone")
    look(page, "separate-dialog")
    dialog.get_by_label("Leave without asking the cluster").check()
    dialog.get_by_label("Separate this node even if another one is alive").check()
    confirm(dialog, "gamma", "Leave")
    alone(office.visit, "gamma")


def test_a_separated_node_comes_back_by_a_token_and_is_itself_again_when_that_is_undone(
    office: Office, visitor: Visitor
) -> None:
    faults.heal(office.lab)
    office.power_on(["beta"])
    alpha = opened(office.visit, visitor, "alpha")
    pages.expect_state(alpha, "beta", "online", SOON_S)
    dialog = pages.open_dialog(alpha, "Remove gamma")
    expect(dialog.locator(".plan-votes")).to_contain_text("2 of 3")
    look(alpha, "remove-plan")
    confirm(dialog, "gamma", "Remove")
    signed_in_again(alpha, office.visit.password)
    pages.await_task(alpha, SOON_S)
    pages.expect_nodes(alpha, ["alpha", "beta"], SOON_S)
    office["alpha"].sign_in()

    alpha, gamma = opened(office.visit, visitor, "alpha"), opened(office.visit, visitor, "gamma")
    expect(gamma.get_by_text("Standalone node - no cluster defined")).to_be_visible()
    before = own(office)
    assert ITS_GUEST in before
    pages.paste_invitation(gamma, join_token(alpha), "office")
    dialog = pages.dialog(gamma)
    expect(dialog).to_contain_text("no password is needed")
    expect(dialog.locator(".plan-list")).to_contain_text(ITS_GUEST)
    checked_first(dialog)
    look(gamma, "join-by-token")
    dialog.get_by_role("button", name="Join ‘office’").click()
    pages.await_task(gamma, SOON_S)
    pages.expect_nodes(alpha, NAMES, SOON_S)
    pages.expect_state(alpha, "gamma", "online", SOON_S)
    assert office.lab.address("gamma") in office["alpha"].command("corosync-cmapctl").stdout
    pages.open_dialog(alpha, "Join Information")
    expect(pages.dialog(alpha).locator(".token-list")).to_contain_text("1 of 1 used by gamma")
    close(alpha)
    compared(alpha, NAMES)

    gamma = opened(office.visit, visitor, "gamma")
    gamma.get_by_role("button", name="Undo the join").click()
    confirm(pages.dialog(gamma), "gamma", "Undo the join")
    alone(office.visit, "gamma")
    assert own(office) == before
    gamma = opened(office.visit, visitor, "gamma")
    expect(gamma.get_by_role("region", name="Copies of This Node's Store")).to_be_visible()
    look(gamma, "restored", "[aria-labelledby=copies-title]")
    gamma.goto(f"{office['gamma'].url}/datacenter/config?path={ITS_GUEST}")
    expect(gamma.locator("pre.file-text")).to_contain_text("name: of-gamma")
    eventually("two are left", lambda: office["alpha"].sign_in().online() == {"alpha", "beta"}, SOON_S)


def test_a_node_leaves_from_its_own_page_and_comes_back_under_its_name(office: Office, visitor: Visitor) -> None:
    page = opened(office.visit, visitor, "beta")
    dialog = pages.open_dialog(page, "Leave the cluster")
    expect(dialog).to_contain_text("without being installed again")
    expect(dialog.locator(".plan-references")).to_contain_text("pve-ssl.pem")
    confirm(dialog, "beta", "Leave")
    alone(office.visit, "beta")
    eventually("alpha goes on alone", lambda: office["alpha"].sign_in().online() == {"alpha"}, SOON_S)
    assert "beta" not in office["alpha"].command(*LISTED).stdout

    alpha, beta = opened(office.visit, visitor, "alpha"), opened(office.visit, visitor, "beta")
    expect(beta.get_by_text("Standalone node - no cluster defined")).to_be_visible()
    dialog = asked_to_join(alpha, beta, office.visit.password)
    dialog.get_by_role("button", name="Join ‘office’").click()
    pages.expect_nodes(alpha, ["alpha", "beta"], SOON_S)
    pages.expect_state(alpha, "beta", "online", SOON_S)
    whole(office, ["alpha", "beta"])
