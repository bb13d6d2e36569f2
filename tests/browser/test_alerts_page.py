"""Datacenter → Alerts in a real Chromium, over a real daemon: a rule, a target that is tried, and a silence."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.services import Services
from tests.browser.site import go, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    here = Services(tmp_path_factory.mktemp("alerts"))
    here.start("whole")
    yield here
    here.stop("whole")


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any]]]:
    """A webhook on this host, and what it was sent."""
    sent: list[Any] = []

    class Taking(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"thank you")

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/alerts", sent
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(node: Services, visitor: Visitor) -> Page:
    return sign_in(visitor(node.url))


def row(page: Page, name: str) -> Any:
    return page.locator(".table-sheet tbody tr", has=page.locator("th", has_text=name))


def submit(page: Page) -> None:
    page.locator("dialog[open] [type=submit]").click()
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_target_is_added_tried_and_removed(node: Services, page: Page, hook: tuple[str, list[Any]]) -> None:
    address, sent = hook
    go(page, f"{node.url}/datacenter/alerts/targets")
    page.get_by_role("button", name="Add webhook").click()
    form = page.locator("dialog[open]")
    form.get_by_label("Name").fill("here")
    form.get_by_label("Address").fill("ftp://nowhere")
    form.locator("[type=submit]").click()
    expect(form.locator("[data-error-for=url]")).to_contain_text("http://")  # what is wrong stands at its field
    form.get_by_label("Address").fill(address)
    form.get_by_label("On this host or its own link").check()
    submit(page)
    expect(row(page, "here")).to_contain_text(address)
    row(page, "here").get_by_role("button", name="Test").click()
    page.locator("dialog[open] [type=submit]").click()
    told = page.locator("dialog[open]")
    expect(told).to_contain_text("The test arrived")
    assert sent and "Test of an alert target" in json.dumps(sent)
    told.get_by_role("button", name="Close").click()
    row(page, "here").get_by_role("button", name="Remove").click()
    submit(page)
    expect(page.locator("#content")).to_contain_text("Nobody is told")


def test_a_rule_is_given_another_threshold_and_switched_off(node: Services, page: Page) -> None:
    go(page, f"{node.url}/datacenter/alerts/rules")
    row(page, "Latency above").get_by_role("button", name="Edit").click()
    page.locator("dialog[open]").get_by_label("Threshold").fill("25")
    page.locator("dialog[open]").get_by_label("Disabled").check()
    submit(page)
    expect(row(page, "Latency above")).to_contain_text("25")
    expect(row(page, "Latency above")).to_contain_text("No")


def test_a_silence_is_in_force_until_it_is_removed(node: Services, page: Page) -> None:
    go(page, f"{node.url}/datacenter/alerts/silences")
    page.get_by_role("button", name="Add silence").click()
    form = page.locator("dialog[open]")
    form.get_by_label("Name").fill("moving")
    form.get_by_label("Alert", exact=True).select_option("link-down")
    form.get_by_label("Until").fill("2099-01-01T00:00")
    submit(page)
    expect(row(page, "moving")).to_contain_text("in force")
    row(page, "moving").get_by_role("button", name="Remove").click()
    submit(page)
    expect(page.locator("#content")).to_contain_text("There are no silences")
