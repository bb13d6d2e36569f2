"""A page open for a day: what a day brings is pushed to it within minutes, its clock goes along, its heap is read.

What is pushed are the real messages of half a minute, over and over, each with the number that the page expects next.
"""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import Browser, Page, WebSocketRoute

from demo.bench.pair import Pair
from demo.bench.ui import metrics, signed_in, watching

DAY_S, STEP_S, RECORDED_S = 86_400, 20, 30
READINGS = 4

STEP = r"""(count) => {
  const socket = document.getElementById('live-socket')['htmx-internal-data'].webSocket.socket;
  let number = Number(document.getElementById('live-mark').dataset.changeNumber);
  for (let turn = 0; turn < count; turn++) {
    window.dayTurn = ((window.dayTurn ?? -1) + 1) % window.dayMessages.length;
    const data = window.dayMessages[window.dayTurn]
      .replace(/data-change-number="\d+"/, `data-change-number="${number + 1}"`)
      .replace(/data-change-told="\d+"/, `data-change-told="${number++}"`)
      .replace(/data-change-part="\d+"/, 'data-change-part="0"');
    socket.dispatchEvent(new MessageEvent('message', {data}));
  }
  return number;
}"""


@dataclass(frozen=True)
class Day:
    """The heap after each quarter, in KiB; how much was pushed, and how often the page thought it had missed some."""

    heaps_kib: list[float]
    pushed: int
    missed: int


def live_through(here: Pair, browser: Browser, path: str = "/datacenter/cluster", share: float = 1.0) -> Day:
    """`share` of a day."""
    context = signed_in(browser, here)
    try:
        page = context.new_page()
        page.clock.install()
        recorded = Recorded(page)
        page.goto(f"{here.node.url}{path}")
        page.wait_for_function("() => document.documentElement.dataset.socket === 'open'")
        for _ in range(RECORDED_S):
            page.wait_for_timeout(1000)
        recorded.ends = True
        return _days_work(page, recorded.messages, share)
    finally:
        context.close()


class Recorded:
    """Stands between the page and its node: hands on and keeps what is pushed, until it is said to end."""

    def __init__(self, page: Page) -> None:
        self.messages: list[str] = []
        self.ends = False
        page.route_web_socket("**/live*", self._between)

    def _between(self, page_s: WebSocketRoute) -> None:
        node_s = page_s.connect_to_server()

        def hand_on(message: str | bytes) -> None:
            if self.ends:
                return
            if isinstance(message, str) and 'id="live-mark"' in message and "data-change-whole" not in message:
                self.messages.append(message)
            page_s.send(message)

        node_s.on_message(hand_on)


def _days_work(page: Page, messages: list[str], share: float) -> Day:
    page.evaluate("(messages) => { window.dayMessages = messages; }", messages)
    a_step = round(len(messages) * STEP_S / RECORDED_S)
    steps, heaps = round(DAY_S * share / STEP_S), []
    for step in range(1, steps + 1):
        page.clock.fast_forward(STEP_S * 1000)
        page.evaluate(STEP, a_step)
        if step % (steps // READINGS) == 0:
            watching(page, "HeapProfiler").send("HeapProfiler.collectGarbage")
            heaps.append(metrics(watching(page, "Performance"))["JSHeapUsedSize"] / 1024)
    missed = page.evaluate("() => Number(document.documentElement.dataset.missed ?? 0)")
    return Day(heaps, a_step * steps, missed)
