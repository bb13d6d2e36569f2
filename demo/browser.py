"""A real Chromium before a demo's pages: starts it, and measures how long a change takes from the daemon to the screen.

Playwright drives Debian's Chromium. What is clicked on which page is `pages.py`.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# Without these Chromium asks the outside world at its start, and has no sandbox to drop to as root.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 15_000

# Notes, for each change that the page shows, how long after the daemon's event the picture was painted. The root of
# what is live carries the time of the newest change it shows; two frames later that change is on the screen.
RECORD_CHANGES = """
() => {
  window.changesPainted = [];
  let last = null;
  const look = () => {
    const root = document.querySelector('[data-change-at]');
    if (!root || root.dataset.changeAt === last) return;
    last = root.dataset.changeAt;
    const at = parseFloat(last) * 1000;
    requestAnimationFrame(() => requestAnimationFrame(() =>
      window.changesPainted.push(performance.timeOrigin + performance.now() - at)));
  };
  const root = document.querySelector('[data-change-at]');
  last = root && root.dataset.changeAt;
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, attributes: true});
}
"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright, started(playwright) as browser:
        yield browser


@contextlib.contextmanager
def started(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    try:
        yield browser
    finally:
        browser.close()


def visitor_context(browser: Browser, **options: Any) -> BrowserContext:
    """A visitor with no cookies who accepts each node's own certificate, as a person would on the first visit."""
    context = browser.new_context(ignore_https_errors=True, **options)
    context.set_default_timeout(WAIT_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    return context


def record_changes(page: Page) -> None:
    page.evaluate(RECORD_CHANGES)


def changes_painted_ms(page: Page) -> list[float]:
    """From the daemon's event to the painted frame, for each change since `record_changes`."""
    return [float(value) for value in page.evaluate("() => window.changesPainted")]


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]
