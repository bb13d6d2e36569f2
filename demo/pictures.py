"""The pictures of `script/screenshots`: a demo is walked from stand-alone nodes to a cluster and photographed.

Each scene is taken at every size in both colour schemes, by pages that were opened for it and follow live. The steps
are `pages.py`.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from demo import pages
from demo.browser import chromium, visitor_context
from demo.visitor import Visit, visit

SIZES = {"": (1440, 900), "-narrow": (360, 740)}  # what a picture's name says of its size
SCHEMES = ("light", "dark")
CALM_MS_MAX = 30_000
# What started the nodes and the browser is over: the processors are no longer the loudest thing on the page.
CALM = "() => !document.querySelector('#cluster-totals :is(.fill-warning, .fill-bad)')"


@dataclass
class Album:
    """Where pictures go, and which were made."""

    browser: Browser
    here: Visit
    into: Path
    taken: list[Path]

    def scene(self, name: str, node: str, prepare: Callable[[Page], None]) -> None:
        """`prepare` leads a signed-in page to what shall be seen."""
        for size in SIZES:
            for scheme in SCHEMES:
                with self.page(node, size, scheme) as page:
                    prepare(page)
                    self.take(page, f"{name}{size}-{scheme}")

    def take(self, page: Page, name: str) -> None:
        path = self.into / f"{name}.png"
        page.screenshot(path=path, animations="disabled")
        self.taken.append(path)

    @contextlib.contextmanager
    def page(self, node: str, size: str, scheme: str, signed_in: bool = True) -> Iterator[Page]:
        width, height = SIZES[size]
        context = visitor_context(
            self.browser, viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1
        )
        try:
            page = context.new_page()
            if signed_in:
                pages.sign_in(page, self.here[node].url, self.here.user, self.here.password)
            else:
                page.goto(self.here[node].url)
            yield page
        finally:
            context.close()


def take_all(into: Path, first_address: str) -> list[Path]:
    into.mkdir(parents=True, exist_ok=True)
    state = Path(tempfile.mkdtemp(prefix="quire-p"))
    try:
        with visit(state, 3, "loopback", first_address) as here, chromium() as browser:
            album = Album(browser, here, into, [])
            before_there_is_a_cluster(album)
            while_there_is_one(album)
            return album.taken
    finally:
        shutil.rmtree(state, ignore_errors=True)


def before_there_is_a_cluster(album: Album) -> None:
    for size in SIZES:
        for scheme in SCHEMES:
            with album.page("alpha", size, scheme, signed_in=False) as page:
                album.take(page, f"sign-in{size}-{scheme}")
    album.scene("standalone", "alpha", lambda page: None)
    album.scene("create", "alpha", open_create)


def while_there_is_one(album: Album) -> None:
    album.here.create("office")
    album.here.join("beta")
    text = ""
    with album.page("alpha", "", "light") as page:
        text = pages.copy_join_information(page)
    album.scene("join-information", "alpha", open_join_information)
    album.scene("join", "gamma", lambda page: pages.paste_invitation(page, text, "office"))
    with album.page("gamma", "", "light") as page:
        pages.paste_invitation(page, text, "office")
        pages.dialog(page).get_by_label("Peer's password").fill(album.here.password)
        pages.dialog(page).get_by_role("button", name="Join ‘office’").click()
        expect(pages.dialog(page).locator(".task-step")).to_have_text("Done", timeout=60_000)
        album.take(page, "task-light")
    names = list(album.here.nodes)
    album.here.await_online(len(names), [album.here.first], 30)
    album.scene("cluster", "alpha", lambda page: pages.expect_nodes(page, names, 10))
    album.scene("summary", "alpha", open_summary)
    album.scene("node", "alpha", open_node)
    album.here["gamma"].kill()
    album.scene("node-offline", "alpha", lambda page: pages.expect_state(page, "gamma", "offline", 10))


def open_create(page: Page) -> None:
    pages.open_dialog(page, "Create Cluster").get_by_label("Cluster name").fill("office")


def open_join_information(page: Page) -> None:
    pages.open_dialog(page, "Join Information")


def open_summary(page: Page) -> None:
    page.get_by_role("navigation", name="Datacenter", exact=True).get_by_role("link", name="Summary").click()
    expect(page.get_by_role("link", name="Summary")).to_have_attribute("aria-current", "page")
    expect(page.locator(".happenings-asked")).to_have_count(0)  # all nodes have answered
    expect(page.locator("#content .htmx-request")).to_have_count(0)
    with contextlib.suppress(PlaywrightTimeoutError):  # a machine may be busy with other things than three nodes
        page.wait_for_function(CALM, timeout=CALM_MS_MAX)


def open_node(page: Page) -> None:
    page.locator("#cluster-nodes").get_by_role("link", name="beta").click()
    expect(pages.heading(page, "Membership")).to_be_visible()
