"""A page stays open while its node's pages, Redis or daemon are killed and come back: it says so, and is right again.

The pushes' own numbers, noted in the browser, show that nothing was missed and nothing came twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from demo.visitor import eventually
from tests.browser.conftest import Visitor
from tests.browser.services import Services, services
from tests.browser.site import await_live, served, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(240)]

SAYS_SO_MS = 20_000
GOAL_S = 3.0  # from the moment the service answers again
SLOW = 2  # a machine may be so much slower than the one the goal is for

# Notes every mark that the page takes in, in order.
NOTE_MARKS = """() => {
  window.marks = [];
  new MutationObserver((records) => {
    for (const record of records) for (const node of record.addedNodes) {
      if (node.id === 'live-mark') window.marks.push({...node.dataset, whole: 'changeWhole' in node.dataset});
    }
  }).observe(document.getElementById('live-socket'), {childList: true});
}"""
STATES = """() => [...document.querySelectorAll('#cluster-nodes [data-node]')]
  .map((one) => one.dataset.node + one.dataset.state)"""


def test_each_service_restarts_under_an_open_page(
    tmp_path: Path, visitor: Visitor, tell: Callable[[str], None]
) -> None:
    with services(tmp_path) as here:
        page = sign_in(visitor(f"{here.url}/datacenter/cluster"))
        page.evaluate(NOTE_MARKS)
        page.evaluate("() => { window.sameDocument = true; }")
        for name, bar in (("web", "#socket-bar"), ("redis", "#live-bar"), ("daemon", "#live-bar")):
            here.stop(name)
            expect(page.locator(bar)).to_be_visible(timeout=SAYS_SO_MS)
            says_since_when(page, name)
            here.start(name)
            took_s = right_again(page, here)
            tell(f"{name} restarted: the page was right again {took_s:.1f} s after it answered")
            assert took_s < GOAL_S * SLOW
            eventually("the page shows what the daemon knows", partial(shows_what_is_so, page, here), 5)
            hears_of_one_more_change(page)
        assert page.evaluate("() => window.sameDocument"), "the page was reloaded"
        nothing_missed_and_nothing_twice(page.evaluate("() => window.marks"))


def shows_what_is_so(page: Page, here: Services) -> bool:
    known = [node["name"] + states(node) for node in here.status()["cluster"]["nodes"]]
    return bool(page.evaluate(STATES) == known)


def says_since_when(page: Page, name: str) -> None:
    if name == "web":
        assert page.locator("#socket-bar time").get_attribute("datetime")
    else:
        expect(page.locator("#live-flow")).to_contain_text("Paused since")


def states(node: dict[str, Any]) -> str:
    return {True: "online", False: "offline", None: "unknown"}[node["online"]]


def right_again(page: Page, here: Services) -> float:
    """Until the page shows what the daemon knew when the service was back, and hears of changes."""
    began = time.monotonic()
    now = here.status()
    page.wait_for_function(
        """([source, number]) => {
          const mark = document.getElementById('live-mark').dataset;
          return mark.changeSource === source && Number(mark.changeNumber) >= number
            && document.documentElement.dataset.socket === 'open' && document.getElementById('live-bar').hidden
            && document.getElementById('socket-bar').hidden;
        }""",
        arg=[now["source"], now["number"]],
        timeout=SAYS_SO_MS,
    )
    return time.monotonic() - began


def hears_of_one_more_change(page: Page) -> None:
    """After the whole of a return come changes alone: the pretended cluster has them all the time."""
    page.wait_for_function("() => window.marks.length && !window.marks.at(-1).whole", timeout=SAYS_SO_MS)


def nothing_missed_and_nothing_twice(marks: list[dict[str, Any]]) -> None:
    assert sum(not mark["whole"] for mark in marks) >= 3 and sum(mark["whole"] for mark in marks) >= 3
    last: dict[str, Any] | None = None
    for mark in marks:
        place = (int(mark["changeNumber"]), int(mark["changePart"]))
        if not mark["whole"]:
            assert last is not None and mark["changeSource"] == last["changeSource"], mark
            before = (int(last["changeNumber"]), int(last["changePart"]))
            assert place > before or (last["whole"] and place[0] > before[0]), f"twice: {last} {mark}"
            assert int(mark["changeTold"]) <= before[0], f"missed: {last} {mark}"
        last = mark


# --- a push that is lost, or comes twice, on the way to the browser ---------------------------------------------------


@pytest.mark.parametrize("fate", ["lost", "twice"])
def test_a_page_notices_a_push_that_was_lost_or_comes_twice(fate: str, tmp_path: Path, visitor: Visitor) -> None:
    with served(tmp_path) as site:
        site.do("form", count=3)
        page = visitor("about:blank")
        fates: list[str] = []
        page.route_web_socket("**/live**", lambda route: tamper(route, fates))
        page.goto(site.url)
        sign_in(page)
        page.evaluate(NOTE_MARKS)
        fates.append(fate)
        site.do("set_online", name="beta", online=False)
        site.do("set_online", name="gamma", online=False)
        for node in ("beta", "gamma"):
            expect(page.locator(f"#node-state-{node}")).to_have_attribute("data-state", "offline")
        await_live(page)
        missed = page.locator("html").get_attribute("data-missed")
        assert (missed is not None) == (fate == "lost")
        nothing_twice(page.evaluate("() => window.marks"))


def tamper(route: WebSocketRoute, fates: list[str]) -> None:
    server = route.connect_to_server()

    def pass_on(message: str | bytes) -> None:
        fate = fates.pop() if fates and is_a_change(str(message)) else ""
        for _ in range({"lost": 0, "twice": 2}.get(fate, 1)):
            route.send(message)

    server.on_message(pass_on)


def is_a_change(message: str) -> bool:
    """Not the whole, which a page is sent when its socket opens."""
    return "data-change-told" in message and "data-change-whole" not in message


def nothing_twice(marks: list[dict[str, Any]]) -> None:
    told = [(mark["changeNumber"], mark["changePart"]) for mark in marks if not mark["whole"]]
    assert len(told) == len(set(told))
