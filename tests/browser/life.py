"""Steps and looks of the walks through a member's life, in a real Chromium: what the walks of one cluster share.

What the pages say is held against corosync and the store; whoever wants to look gets pictures.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from playwright.sync_api import Error, Locator, Page, expect

from cluster.control.requests import Status
from cluster.control.store_requests import StoreRead
from demo import pages
from demo.visitor import Refused, Visit, eventually
from tests.browser.conftest import Visitor
from tests.scenarios.evidence import ask, tree_of
from tests.scenarios.office import Office

SOON_S, SOON_MS = 90.0, 90_000
PICTURES = os.environ.get("QUIRE_TEST_PICTURES")  # a folder, for whoever wants to look


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


def whole(office: Office, names: list[str]) -> None:
    """Each of these sees these, and no other, online."""

    def seen(node: str) -> bool:
        try:
            return office[node].online() == set(names)
        except Refused:
            return bool(office[node].sign_in().online() == set(names))

    for node in names:
        eventually(f"{node} sees all", lambda node=node: seen(node), SOON_S)


def look(page: Page, name: str, place: str = "") -> None:
    if not PICTURES:
        return
    for width, scheme in ((1440, "light"), (1440, "dark"), (360, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        if place:
            with contextlib.suppress(Error):  # it may be put anew at this moment
                page.locator(place).first.scroll_into_view_if_needed()
        page.screenshot(path=Path(PICTURES, f"{name}-{width}-{scheme}.png"), animations="disabled")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme="light")


def asked_to_join(alpha: Page, gamma: Page, password: str) -> Locator:
    """→ gamma's dialog, with alpha's join information and its password."""
    text = pages.copy_join_information(alpha)
    pages.paste_invitation(gamma, text, "office")
    dialog = pages.dialog(gamma)
    dialog.get_by_label("Peer's password").fill(password)
    return dialog


def join_token(page: Page) -> str:
    """Made on a member's page → the text that holds it."""
    dialog = pages.open_dialog(page, "Join Information")
    dialog.get_by_label("Name", exact=True).fill("rack 4")
    dialog.get_by_role("button", name="Make join token").click()
    made = dialog.locator(".token-made")
    expect(made).to_contain_text("Whoever has this may add one node")
    expect(made.get_by_role("img", name="QR code of the join information")).to_be_visible()
    expect(made.get_by_label("In its cloud-init")).to_have_value(re.compile("^#cloud-config"))
    text = made.get_by_label("Join information with the token").input_value()
    expect(made.get_by_label("On the command line of the new node")).to_have_value(f"pvecm join {text}")
    look(page, "join-token", ".token-made")
    close(page)
    return text


def checked_first(dialog: Locator) -> None:
    """Both sides look at each other over both links before anything is sent."""
    dialog.get_by_role("button", name="Check first").click()
    expect(dialog.locator(".finding").first).to_be_visible(timeout=SOON_MS)
    expect(dialog.locator(".findings-head")).not_to_contain_text("Looking", timeout=SOON_MS)
    for code in ("peer", "unique-name", "unique-address", "unique-id", "udp", "tcp", "mtu", "engine-version"):
        expect(dialog.locator(f".finding[data-code={code}]").first).to_have_class("finding finding-ok")


def compared(page: Page, names: list[str]) -> None:
    dialog = pages.open_dialog(page, "Compare Nodes")
    for name in names:
        expect(dialog.locator(".findings")).to_contain_text(f"{name} has answered.", timeout=SOON_MS)
    expect(dialog.locator(".findings-head")).not_to_contain_text("Looking", timeout=SOON_MS)
    dialog.get_by_role("button", name="Close").last.click()


def signed_in_again(page: Page, password: str) -> None:
    """With a removal the key of tickets changes, and whoever is signed in is asked for the password over the page,
    before it has heard of the task's end or after."""
    again = page.locator("#again-slot dialog")
    expect(again).to_be_visible(timeout=SOON_MS)
    again.get_by_label("Password").fill(password)
    again.get_by_role("button", name="Sign in", exact=True).click()
    expect(again).to_be_hidden()


def close(page: Page) -> None:
    pages.dialog(page).get_by_role("button", name="Close").last.click()
    expect(pages.dialog(page)).to_have_count(0)


def is_below(lower: Locator, upper: Locator) -> bool:
    """What is being replaced at this moment has no place."""
    low, high = lower.bounding_box(), upper.bounding_box()
    return low is not None and high is not None and high["y"] + high["height"] <= low["y"]


def stored(office: Office, node: str, path: str) -> str:
    return str(ask(office[node], StoreRead(path))["data"].decode())


def used(office: Office) -> dict[str, str]:
    """The addresses of link 1 in what each node's corosync has read, as alpha's has it."""
    said = office["alpha"].command("corosync-cmapctl").stdout
    return dict(re.findall(r"nodelist\.node\.(\d+)\.ring1_addr \(str\) = (\S+)", said))


def own(office: Office) -> dict[str, bytes]:
    """What gamma has that is no key, certificate or session."""
    found = tree_of(office["gamma"])
    return {path: data for path, data in found.items() if re.search(r"(cfg|/\d+\.conf)$", path) and "priv" not in path}
