"""Takes pictures of pages at each width in each look, and puts them side by side to be looked at: of `scenes.py`."""

from __future__ import annotations

import html
import re
from pathlib import Path

from playwright.sync_api import Browser, Page

from demo.browser import visitor_context
from tests.browser.site import await_live, sign_in
from tests.datacenter.fake_daemon import PASSWORD

SIZES = {360: 740, 1440: 900, 3840: 2160}
LOOKS = {"light-en": ("light", "en"), "dark-de": ("dark", "de")}
ALL_LOOKS = {**LOOKS, "light-de": ("light", "de"), "dark-en": ("dark", "en")}
SHEET_COLUMNS = {360: 8, 1440: 4, 3840: 3}


class Gallery:
    def __init__(self, browser: Browser, into: Path, every: bool, widths: list[int]) -> None:
        self.browser, self.into, self.looks = browser, into, ALL_LOOKS if every else LOOKS
        self.sizes = {width: height for width, height in SIZES.items() if width in widths}
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
        for width, height in self.sizes.items():
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
        for width, columns in ((width, SHEET_COLUMNS[width]) for width in self.sizes):
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


def enter(page: Page) -> None:
    """In whichever language the form is."""
    page.wait_for_load_state()
    form = page.locator("[type=password]")
    if page.locator("html").get_attribute("lang") == "en":
        sign_in(page)
        return
    form.fill(PASSWORD)
    form.press("Enter")
    await_live(page)


def named(scene: str, path: str) -> str:
    return f"{scene}-{re.sub(r'[^a-z0-9]+', '-', path.partition('?')[0].lower()).strip('-') or 'home'}"
