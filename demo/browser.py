"""A real Chromium before a demo's pages: starts it, and measures how long a change takes from the daemon to the screen.

Playwright drives Debian's Chromium. What is clicked on which page is `pages.py`.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
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
WAIT_MS = 30_000  # a machine may be busy with other things

# Notes each change that the page shows: when the daemon heard of it, when it was painted, and whether a node's state
# changed with it. The mark is replaced in the same turn as what it marks; two frames later both are on the screen.
RECORD_CHANGES = """
() => {
  const states = () => [...document.querySelectorAll('[data-node][data-state]')]
    .map(node => node.dataset.node + ' ' + node.dataset.state).join();
  const mark = () => document.querySelector('[data-change-at]')?.dataset.changeAt;
  window.changesPainted = [];
  let lastMark = mark(), lastStates = states();
  const look = () => {
    if (mark() === lastMark && states() === lastStates) return;
    const note = {at_s: parseFloat(mark()), states: states(), membership: states() !== lastStates};
    lastMark = mark();
    lastStates = states();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      note.painted_s = (performance.timeOrigin + performance.now()) / 1000;
      window.changesPainted.push(note);
    }));
  };
  window.changesObserver?.disconnect();
  window.changesObserver = new MutationObserver(look);
  window.changesObserver.observe(document.body, {subtree: true, childList: true, attributes: true});
}
"""


@dataclass(frozen=True)
class Painted:
    """A change on the screen: the daemon's event, the painted frame, and the nodes' states that frame shows."""

    at_s: float
    painted_s: float
    states: str
    membership: bool

    @property
    def took_ms(self) -> float:
        return (self.painted_s - self.at_s) * 1000

    def shows(self, node: str, state: str) -> bool:
        return f"{node} {state}" in self.states.split(",")


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
    """From now on; what was recorded before is forgotten."""
    page.evaluate(RECORD_CHANGES)


def changes_painted(page: Page) -> list[Painted]:
    """Every change painted since `record_changes`."""
    return [Painted(**note) for note in page.evaluate("() => window.changesPainted")]


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]
