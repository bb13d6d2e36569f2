"""A picture of each state of the site, to be looked at: `script/screenshots --states --into DIR`.

Pages come from a daemon over a simulated cluster, which has something to show on each; states that it cannot be
brought into (names of 63 characters, no quorum, a lost daemon) from the tests' fake daemon. Every picture is taken at
each width, in light English and dark German by turns, or with `every` in all four.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, expect

from demo.browser import chromium
from tests.browser.furnished import furnish
from tests.browser.gallery import SIZES, Gallery, enter, named
from tests.browser.services import Services
from tests.browser.site import Site, await_live, served
from tests.browser.walk import PAGES, dialog_of
from tests.datacenter.fake_daemon import LONG_NAME

SCRIPT = re.compile(r"/(js/app|vendor/quire)\.js$")
FORBIDDEN = '<p class="note note-bad">This is not allowed. You may not do this. It takes Sys.Modify on /.</p>'


def take_states(into: Path, every: bool = False, only: str = "", widths: str = "") -> Iterator[str]:
    """→ what was taken, and what was found to be too wide."""
    into.mkdir(parents=True, exist_ok=True)
    wanted = [one for one in SCENES if not only or re.search(only, one.__name__)]
    with chromium() as browser:
        gallery = Gallery(browser, into, every, [int(width) for width in widths.split(",") if width] or list(SIZES))
        for scene in wanted:
            scene(gallery)
        gallery.sheets()
        yield from map(str, gallery.taken)
        yield from gallery.faults


# --- a simulated cluster ----------------------------------------------------------------------------------------------


def pages_and_dialogs(gallery: Gallery) -> None:
    _simulated(gallery, 4, PAGES, "pages", dialogs=True)


def full_lists(gallery: Gallery) -> None:
    lists = [path for path in PAGES if "permissions" in path or "alerts" in path or "account" in path]
    _simulated(gallery, 2, lists, "full", dialogs=True, furnished=True)


def one_node(gallery: Gallery) -> None:
    _simulated(gallery, 1, ["/datacenter/summary", "/datacenter/cluster", "/datacenter/what-if"], "one")


def many_nodes(gallery: Gallery) -> None:
    paths = ["/datacenter/summary", "/datacenter/cluster", "/datacenter/what-if", "/datacenter/events", "/nodes/alpha"]
    _simulated(gallery, 32, paths, "many")


def _simulated(
    gallery: Gallery, count: int, paths: list[str], name: str, dialogs: bool = False, furnished: bool = False
) -> None:
    folder = gallery.into / f".{name}"
    folder.mkdir(exist_ok=True)
    node = Services(folder, count)
    node.start("whole")
    try:
        if furnished:
            furnish(node)
        for look in gallery.looks:
            page = gallery.page(node.url, look)
            enter(page)
            seen: set[str] = set()
            for path in paths:
                page.goto(node.url + path)
                await_live(page)
                page.wait_for_load_state("networkidle") if "summary" not in path else page.wait_for_timeout(800)
                gallery.take(page, named(name, path), look)
                if dialogs:
                    _dialogs(gallery, page, look, seen)
            page.context.close()
    finally:
        node.stop("whole")


def _dialogs(gallery: Gallery, page: Page, look: str, seen: set[str], scene: str = "dialog") -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    buttons = page.locator("#content button[data-dialog]:enabled:visible")
    for place in range(buttons.count()):
        name = dialog_of(buttons.nth(place).get_attribute("hx-get") or "")
        if name in seen:
            continue
        seen.add(name)
        buttons.nth(place).click()
        expect(page.locator("dialog[open]")).to_be_visible()
        gallery.take(page, named(scene, name), look)
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        page.set_viewport_size({"width": 1440, "height": 900})


# --- the fake daemon --------------------------------------------------------------------------------------------------


def standalone(gallery: Gallery) -> None:
    with _fake(gallery, "standalone") as site:
        _each(gallery, site, "standalone", ["/", "/datacenter/summary", "/datacenter/what-if", "/datacenter/events"])


def long_names(gallery: Gallery) -> None:
    with _fake(gallery, "long") as site:
        site.do("form", count=3, name="c" * 15, long_names=True)
        name = "alpha"
        paths = [
            "/datacenter/summary",
            "/datacenter/cluster",
            "/datacenter/what-if",
            "/datacenter/events",
            f"/nodes/{name}",
            f"/nodes/{LONG_NAME[:-2]}02",
            "/datacenter/tasks",
        ]
        site.do("hear_of_task", upid=f"UPID:{LONG_NAME[:-2]}02:00001267:00000009:68A1B6C3:clusterjoin::root@pam:")
        _each(gallery, site, "long", paths)
        for look in gallery.looks:
            page = gallery.page(site.url, look)
            enter(page)
            _dialogs(gallery, page, look, set(), "long")
            page.context.close()


def in_trouble(gallery: Gallery) -> None:
    with _fake(gallery, "trouble") as site:
        site.do("form", count=3)
        site.do("tell_of_a_split")
        site.do("set_online", name="gamma", online=False)
        _each(gallery, site, "offline", ["/datacenter/summary", "/datacenter/cluster", "/nodes/gamma"])
        site.do("set_online", name="beta", online=False)
        _each(gallery, site, "no-quorum", ["/datacenter/summary", "/datacenter/cluster", "/datacenter/events"])
        site.do("set_online", name="beta", online=None)
        _each(gallery, site, "unknown", ["/datacenter/summary", "/nodes/beta", "/nodes/nobody", "/datacenter/nothing",
                                         "/nodes/gamma/network", "/datacenter/options"])  # fmt: skip


def refused(gallery: Gallery) -> None:
    with _fake(gallery, "refused") as site:
        site.do("form", count=3)
        for look in gallery.looks:
            page = gallery.page(site.url, look)
            gallery.take(page, "sign-in", look)
            page.locator("[type=password]").fill("wrong")
            page.locator("form [type=submit]").first.click()
            page.wait_for_load_state()
            gallery.take(page, "sign-in-refused", look)
            enter(page)
            site.do("hold_nothing")
            for path in ("/", "/datacenter/cluster", "/datacenter/permissions"):
                page.goto(site.url + path)
                gallery.take(page, named("forbidden", path), look)
            site.do("hold_everything")
            page.context.close()


def _live_summary(gallery: Gallery, site: Site, look: str) -> Page:
    site.do("form", count=3)
    page = gallery.page(site.url, look)
    enter(page)
    page.goto(f"{site.url}/datacenter/summary")
    await_live(page)
    return page


def lost(gallery: Gallery) -> None:
    """The process that answers is gone under an open page."""
    for look in gallery.looks:
        with _fake(gallery, f"lost-{look}") as site:
            page = _live_summary(gallery, site, look)
            site.do("stop")
            page.wait_for_timeout(2500)
            gallery.take(page, "daemon-gone", look)
            page.goto(f"{site.url}/datacenter/cluster")
            gallery.take(page, "daemon-gone-anew", look)
            site.stop()
            page.goto("about:blank")
            page.context.close()
        with _fake(gallery, f"socket-{look}") as site:
            page = _live_summary(gallery, site, look)
            site.stop()
            page.wait_for_timeout(2500)
            gallery.take(page, "socket-lost", look)
            page.context.close()
        with _fake(gallery, f"script-{look}") as site:
            page = _live_summary(gallery, site, look)
            page.route(SCRIPT, lambda route: route.abort())
            page.reload()
            expect(page.locator("#script-bar")).to_be_visible()
            gallery.take(page, "script-lost", look)
            page.context.close()


def problems(gallery: Gallery) -> None:
    """What is shown instead: broken, no such thing, no answer, not allowed, no network, the session ended."""
    with _fake(gallery, "problems") as site:
        site.do("form", count=3)
        site.do("talk_nonsense", request="ClusterLog")
        upid = "UPID:beta:00001267:00000009:68A1B6C3:clusterjoin::root@pam:"
        paths = [
            "/datacenter/log",
            "/datacenter/nothing",
            "/nodes/beta/network",
            "/nodes/beta/journal",
            f"/tasks/{upid}",
        ]
        _each(gallery, site, "problem", paths)
        for look in gallery.looks:
            page = gallery.page(site.url, look)
            enter(page)
            page.locator("[data-dialog][hx-get$='/leave']").click()
            page.locator("dialog[open] [name=confirm]").fill("alpha")
            page.route("**/cluster/leave", lambda route: route.fulfill(status=403, body=FORBIDDEN))
            page.locator("dialog[open] [type=submit]").click()
            expect(page.locator("dialog[open] .form-error, #failure-bar:visible").first).to_be_visible()
            gallery.take(page, "forbidden-in-a-dialog", look)
            page.keyboard.press("Escape")
            page.unroute("**/cluster/leave")
            page.context.set_offline(True)
            page.locator("[data-dialog][hx-get$='/leave']").click()
            expect(page.locator("#failure-bar")).to_be_visible()
            gallery.take(page, "no-network", look)
            page.context.set_offline(False)
            page.context.clear_cookies()
            page.goto("about:blank")
            page.goto(site.url)
            enter(page)
            page.context.clear_cookies()
            page.locator("[data-dialog][hx-get$='/leave']").click()
            expect(page.locator("#again-slot dialog")).to_be_visible()
            gallery.take(page, "session-ended", look)
            page.context.close()


def windows(gallery: Gallery) -> None:
    """What opens over a page: the palette, the keys, the menu, the tree on a phone, a task under way."""
    with _fake(gallery, "windows") as site:
        site.do("form", count=3)
        site.do("run_task", steps=["Check this node", "Keep a copy of the store", "Start corosync"])
        for look in gallery.looks:
            page = gallery.page(site.url, look)
            enter(page)
            for name, key in (("palette", "/"), ("keys", "?")):
                page.keyboard.press(key)
                page.wait_for_timeout(150)
                gallery.take(page, name, look)
                page.keyboard.press("Escape")
            page.set_viewport_size({"width": 1440, "height": 900})
            page.locator(".user-button").click()
            gallery.take(page, "menu", look)
            page.keyboard.press("Escape")
            page.locator("html").evaluate("node => { node.dataset.drawer = 'open'; }")
            gallery.take(page, "drawer", look)
            page.context.close()


SCENES = (
    pages_and_dialogs, full_lists, one_node, many_nodes, standalone, long_names, in_trouble, refused, problems, lost,
    windows,
)  # fmt: skip


def _fake(gallery: Gallery, name: str):  # type: ignore[no-untyped-def]
    folder = gallery.into / f".{name}"
    folder.mkdir(exist_ok=True)
    return served(folder)


def _each(gallery: Gallery, site: Site, name: str, paths: list[str]) -> None:
    for look in gallery.looks:
        page = gallery.page(site.url, look)
        enter(page)
        for path in paths:
            page.goto(site.url + path)
            page.wait_for_timeout(500)
            gallery.take(page, named(name, path), look)
        page.context.close()
