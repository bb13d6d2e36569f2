"""A picture of each state of the site, to be looked at: `script/screenshots --states --into DIR`.

Pages come from a daemon over a simulated cluster, which has something to show on each; states that it cannot be
brought into (names of 63 characters, no quorum, a lost daemon) from the tests' fake daemon. Every picture is taken at
each width, in light English and dark German by turns, or with `every` in all four.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from demo.browser import chromium, visitor_context
from tests.browser.services import Services
from tests.browser.site import Site, await_live, served, sign_in
from tests.browser.test_axe import PAGES, dialog_of

SIZES = {360: 740, 1440: 900, 3840: 2160}
LOOKS = {"light-en": ("light", "en"), "dark-de": ("dark", "de")}
ALL_LOOKS = {**LOOKS, "light-de": ("light", "de"), "dark-en": ("dark", "en")}
SHEET_COLUMNS = {360: 8, 1440: 4, 3840: 3}


class Gallery:
    def __init__(self, browser: Browser, into: Path, every: bool) -> None:
        self.browser, self.into, self.looks = browser, into, ALL_LOOKS if every else LOOKS
        self.taken: list[Path] = []
        self.faults: list[str] = []

    def page(self, url: str, look: str) -> Page:
        theme, language = self.looks[look]
        context = visitor_context(
            self.browser, color_scheme=theme, locale={"en": "en-GB", "de": "de-DE"}[language], reduced_motion="reduce"
        )
        page = context.new_page()
        page.goto(url)
        return page

    def take(self, page: Page, name: str, look: str) -> None:
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_timeout(60)  # a frame or two for what is drawn by the width
            wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
            if wide > 1:
                self.faults.append(f"{name} {look}: {wide} px too wide at {width}")
            path = self.into / f"{name}-{width}-{look}.png"
            page.screenshot(path=path, animations="disabled")
            self.taken.append(path)

    def sheets(self) -> None:
        """All pictures of one width side by side, so that many can be looked at in one."""
        page = self.browser.new_page()
        for width, columns in SHEET_COLUMNS.items():
            for look in self.looks:
                found = [path for path in self.taken if path.name.endswith(f"-{width}-{look}.png")]
                rows = columns * (2 if width == 360 else 4)
                for part in range(0, len(found), rows):
                    shown = "".join(
                        f'<figure><img src="{path.name}"><figcaption>{html.escape(path.stem)}</figcaption></figure>'
                        for path in found[part : part + rows]
                    )
                    style = (
                        f"body{{display:grid;grid-template-columns:repeat({columns},1fr);gap:6px;margin:6px;width:2000px}}"
                        "figure{margin:0}img{width:100%}figcaption{font:11px sans-serif}"
                    )
                    sheet = self.into / f"sheet-{width}-{look}-{part // rows}.html"
                    sheet.write_text(f"<!doctype html><style>{style}</style>{shown}")
                    page.set_viewport_size({"width": 2016, "height": 600})
                    page.goto(sheet.as_uri())
                    page.screenshot(path=sheet.with_suffix(".png"), full_page=True)
                    sheet.unlink()
        page.close()


def take_states(into: Path, every: bool = False, only: str = "") -> Iterator[str]:
    """→ what was taken, and what was found to be too wide."""
    into.mkdir(parents=True, exist_ok=True)
    wanted = [one for one in SCENES if not only or re.search(only, one.__name__)]
    with chromium() as browser:
        gallery = Gallery(browser, into, every)
        for scene in wanted:
            scene(gallery)
        gallery.sheets()
        yield from map(str, gallery.taken)
        yield from gallery.faults


# --- a simulated cluster ----------------------------------------------------------------------------------------------


def pages_and_dialogs(gallery: Gallery) -> None:
    _simulated(gallery, 4, PAGES, "pages", dialogs=True)


def one_node(gallery: Gallery) -> None:
    _simulated(gallery, 1, ["/datacenter/summary", "/datacenter/cluster", "/datacenter/what-if"], "one")


def many_nodes(gallery: Gallery) -> None:
    paths = ["/datacenter/summary", "/datacenter/cluster", "/datacenter/what-if", "/datacenter/events", "/nodes/alpha"]
    _simulated(gallery, 32, paths, "many")


def _simulated(gallery: Gallery, count: int, paths: list[str], name: str, dialogs: bool = False) -> None:
    folder = gallery.into / f".{name}"
    folder.mkdir(exist_ok=True)
    node = Services(folder, count)
    node.start("whole")
    try:
        for look in gallery.looks:
            page = gallery.page(node.url, look)
            _enter(page)
            seen: set[str] = set()
            for path in paths:
                page.goto(node.url + path)
                await_live(page)
                page.wait_for_load_state("networkidle") if "summary" not in path else page.wait_for_timeout(800)
                gallery.take(page, _named(name, path), look)
                if dialogs:
                    _dialogs(gallery, page, look, seen)
            page.context.close()
    finally:
        node.stop("whole")


def _dialogs(gallery: Gallery, page: Page, look: str, seen: set[str]) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    buttons = page.locator("#content button[data-dialog]:enabled:visible")
    for place in range(buttons.count()):
        name = dialog_of(buttons.nth(place).get_attribute("hx-get") or "")
        if name in seen:
            continue
        seen.add(name)
        buttons.nth(place).click()
        expect(page.locator("dialog[open]")).to_be_visible()
        gallery.take(page, _named("dialog", name), look)
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
        ]
        _each(gallery, site, "long", paths)


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
            _enter(page)
            site.do("hold_nothing")
            for path in ("/", "/datacenter/cluster", "/datacenter/permissions"):
                page.goto(site.url + path)
                gallery.take(page, _named("forbidden", path), look)
            site.do("hold_everything")
            page.context.close()


def lost(gallery: Gallery) -> None:
    """The process that answers is gone under an open page."""
    for look in gallery.looks:
        with _fake(gallery, f"lost-{look}") as site:
            site.do("form", count=3)
            page = gallery.page(site.url, look)
            _enter(page)
            page.goto(f"{site.url}/datacenter/summary")
            await_live(page)
            site.do("stop")
            page.wait_for_timeout(2500)
            gallery.take(page, "daemon-gone", look)
            page.goto(f"{site.url}/datacenter/cluster")
            gallery.take(page, "daemon-gone-anew", look)
            site.stop()
            page.goto("about:blank")
            page.context.close()
        with _fake(gallery, f"socket-{look}") as site:
            site.do("form", count=3)
            page = gallery.page(site.url, look)
            _enter(page)
            page.goto(f"{site.url}/datacenter/summary")
            await_live(page)
            site.stop()
            page.wait_for_timeout(2500)
            gallery.take(page, "socket-lost", look)
            page.context.close()


def windows(gallery: Gallery) -> None:
    """What opens over a page: the palette, the keys, the menu, the tree on a phone, a task under way."""
    with _fake(gallery, "windows") as site:
        site.do("form", count=3)
        site.do("run_task", steps=["Check this node", "Keep a copy of the store", "Start corosync"])
        for look in gallery.looks:
            page = gallery.page(site.url, look)
            _enter(page)
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


SCENES = (pages_and_dialogs, one_node, many_nodes, standalone, long_names, in_trouble, refused, lost, windows)


def _fake(gallery: Gallery, name: str):  # type: ignore[no-untyped-def]
    folder = gallery.into / f".{name}"
    folder.mkdir(exist_ok=True)
    return served(folder)


def _each(gallery: Gallery, site: Site, name: str, paths: list[str]) -> None:
    for look in gallery.looks:
        page = gallery.page(site.url, look)
        _enter(page)
        for path in paths:
            page.goto(site.url + path)
            page.wait_for_timeout(500)
            gallery.take(page, _named(name, path), look)
        page.context.close()


def _enter(page: Page) -> None:
    """In whichever language the form is."""
    page.wait_for_load_state()
    form = page.locator("[type=password]")
    if page.locator("html").get_attribute("lang") == "en":
        sign_in(page)
        return
    from tests.datacenter.fake_daemon import PASSWORD

    form.fill(PASSWORD)
    form.press("Enter")
    await_live(page)


def _named(scene: str, path: str) -> str:
    return f"{scene}-{re.sub(r'[^a-z0-9]+', '-', path.partition('?')[0].lower()).strip('-') or 'home'}"
