"""What a person does on Quire's pages, as steps for a browser: sign in, create, copy, paste, join, watch.

Finds things as a person does, by their names on the screen, so a test that uses these also checks that they are named.
"""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from demo.browser import WAIT_MS

expect.set_options(timeout=WAIT_MS)


def sign_in(page: Page, url: str, user: str, password: str) -> None:
    """Ends on the cluster page, with the live socket open."""
    name, _, realm = user.partition("@")
    page.goto(url)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Realm").select_option(realm)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(heading(page, "Cluster Information")).to_be_visible()
    await_live(page)


def await_live(page: Page) -> None:
    """Until the page is being told of changes, and all its scripts listen."""
    expect(page.locator("html")).to_have_attribute("data-socket", "open")
    expect(page.locator("html")).to_have_attribute("data-scripts", "all")


def open_cluster(page: Page) -> None:
    tabs = page.get_by_role("navigation", name="Datacenter", exact=True)
    tabs.get_by_role("link", name="Cluster", exact=True).click()
    expect(heading(page, "Cluster Information")).to_be_visible()


def heading(page: Page, name: str) -> Locator:
    return page.get_by_role("heading", name=name, exact=True)


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog")


def open_dialog(page: Page, button: str) -> Locator:
    """Press the button of that name; the dialog is there, and attended to, before a person could type."""
    page.get_by_role("button", name=button).click()
    expect(dialog(page)).to_be_visible()
    expect(dialog(page)).not_to_have_class(re.compile("htmx-added"))
    return dialog(page)


# --- create, copy, join -----------------------------------------------------------------------------------------------


def create(page: Page, name: str, timeout_s: float = 60) -> None:
    """Create a cluster and watch its task to the end."""
    open_dialog(page, "Create Cluster").get_by_label("Cluster name").fill(name)
    dialog(page).get_by_role("button", name="Create", exact=True).click()
    await_task(page, timeout_s)


def copy_join_information(page: Page) -> str:
    """Press the copy button, and return what is then on the clipboard."""
    open_dialog(page, "Join Information").get_by_role("button", name="Copy Information").click()
    expect(dialog(page).get_by_role("status")).to_contain_text("Copied")
    copied: str = page.evaluate("() => navigator.clipboard.readText()")
    dialog(page).get_by_role("button", name="Close").last.click()
    return copied


def paste_invitation(page: Page, text: str, cluster: str) -> None:
    """Open the join dialog, put the text on the clipboard, and paste it with the keyboard."""
    open_dialog(page, "Join Cluster")
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    dialog(page).get_by_label("Information", exact=True).press("ControlOrMeta+V")
    expect(dialog(page).get_by_role("button", name=f"Join ‘{cluster}’")).to_be_visible()


def join(page: Page, text: str, cluster: str, password: str, timeout_s: float = 90) -> None:
    """Join with pasted join information, and watch the task to the end. The session goes on."""
    paste_invitation(page, text, cluster)
    dialog(page).get_by_label("Peer's password").fill(password)
    dialog(page).get_by_role("button", name=f"Join ‘{cluster}’").click()
    await_task(page, timeout_s)


def await_task(page: Page, timeout_s: float) -> None:
    """Until the open task window says that all went well; then close it."""
    window = dialog(page).locator(".task-step")
    expect(window).to_have_text("Done", timeout=timeout_s * 1000)
    dialog(page).get_by_role("button", name="Close").last.click()
    expect(dialog(page)).to_have_count(0)


# --- what is shown ----------------------------------------------------------------------------------------------------


def listed_nodes(page: Page) -> list[str]:
    """The names in the table of nodes, without the words beside them."""
    return [name.strip() for name in page.locator("#cluster-nodes tbody th a").all_inner_texts()]


def expect_nodes(page: Page, names: list[str], timeout_s: float) -> None:
    expect(page.locator("#cluster-nodes tbody th a")).to_have_text(names, timeout=timeout_s * 1000)


def node_state(page: Page, node: str) -> Locator:
    return page.locator(f"#node-state-{node}")


def expect_state(page: Page, node: str, state: str, timeout_s: float) -> None:
    """In the table and in the tree: online, offline or unknown."""
    expect(node_state(page, node)).to_have_attribute("data-state", state, timeout=timeout_s * 1000)
    expect(page.locator(f"#tree-state-{node}")).to_have_text(state, timeout=timeout_s * 1000)
