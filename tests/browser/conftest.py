"""A real Chromium, one per module, and visitors in it who share nothing with each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from demo.browser import WAIT_MS, chromium, visitor_context
from tests.browser.site import Site, served

Visitor = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(autouse=True)
def patience() -> None:
    expect.set_options(timeout=WAIT_MS)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with served(tmp_path) as running:
        yield running


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """`visitor(url)`: a page in a context of its own. What a page complains about (errors, refused by the content
    security policy) fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and not expected(message.text):
            complaints.append(message.text)

    def visit(url: str, **options: Any) -> Page:
        context = visitor_context(browser, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(url)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == [], "\n".join(complaints)


def expected(text: str) -> bool:
    """A node that was killed, or that changes its certificate, drops the socket and what was being asked of it; so
    does Chromium when the machine gets a network interface. Browser and htmx say so, htmx in three lines. A page that
    is left gives up what it was asking for, and one whose node has just joined is refused once before it goes on."""
    said_of_a_lost_node = (
        "WebSocket", "net::ERR_", "Failed to load resource", "htmx:wsError", "[object Event]", "htmx:sendError",
        "htmx:afterRequest, ", "htmx:sendAbort", "Response Status Error Code 401",
    )  # fmt: skip
    return text == "undefined" or any(word in text for word in said_of_a_lost_node)
