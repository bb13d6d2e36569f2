"""What pages cost and how fast they are, beside the goals: `script/bench ui`.

A real daemon over a simulated cluster, its pages in a process of their own, real Chromium. Sockets without a browser
are `sockets.py`, the two processes `pair.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

from demo import browser as chrome
from demo.bench.pair import Pair, pair
from demo.bench.sockets import Crowd
from demo.noise import noise

BROWSERS, SOCKETS, IDLE_PAGES = 5, 500, 20
SLOWER = 4
WATCHED_S, IDLE_S = 20.0, 20.0
PHONE = (412, 823)
DAY_SHARE = 0.25  # 43,000 pushes and more; a whole day takes eleven minutes


@dataclass(frozen=True)
class Line:
    """`goal` is what `value` may not exceed, or must reach."""

    name: str
    value: float
    unit: str
    goal: float
    noise: float = 0.0
    note: str = ""
    at_least: bool = False

    @property
    def verdict(self) -> str:
        reached = self.value >= self.goal if self.at_least else self.value <= self.goal
        return "reached" if reached else "not reached"


Result = TypeVar("Result")
Readings = Iterator[tuple[str, float, str, float, str]]


def run_ui(first_address: str, quick: bool) -> list[Line]:
    lines: list[Line] = []
    parts: list[tuple[int, int, Callable[[Pair, Browser], Readings]]] = [
        (4, 2, first_load), (4, 2, painted), (4, 2, idle), (32, 8, busy),
        *([] if quick else [(4, 2, crowd), (4, 2, a_day)]),
    ]  # fmt: skip
    with chrome.chromium() as browser:
        for count, links, part in parts:
            with pair(count, links, first_address) as here:
                with noise(here.tag) as during:
                    read = list(part(here, browser))
                lines += [Line(*each[:4], during.foreign_share, each[4]) for each in read]
    return lines


@contextlib.contextmanager
def visitor(browser: Browser, here: Pair, path: str = "/datacenter/cluster") -> Iterator[Page]:
    """A page of somebody who is signed in and has nothing cached."""
    context = signed_in(browser, here)
    try:
        page = context.new_page()
        page.goto(f"{here.node.url}{path}")
        page.wait_for_function("() => document.documentElement.dataset.socket === 'open'")
        yield page
    finally:
        context.close()


def signed_in(browser: Browser, here: Pair) -> BrowserContext:
    context = chrome.visitor_context(browser, viewport={"width": 1440, "height": 900})
    name, value = here.node.browser_cookie()
    context.add_cookies([{"name": name, "value": value, "url": here.node.url, "secure": True}])
    return context


# --- the first page ---------------------------------------------------------------------------------------------------

SHIFT = """() => { window.shifted = 0; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: 'layout-shift', buffered: true}); }"""


def first_load(here: Pair, browser: Browser) -> Readings:
    for name, path, goal in (("without charts", "/datacenter/cluster", 60), ("with charts", "/nodes/alpha", 90)):
        weights = [weight(here, browser, path) for _ in range(3)]
        yield f"first load, {name}, compressed", statistics.median(weights) / 1024, "KiB", goal, ""
    painted_s, shifts = [], []
    for _ in range(5):
        first, shift = slowly(here, browser)
        painted_s.append(first)
        shifts.append(shift)
    yield f"first contentful paint, processor {SLOWER} × slower", statistics.median(painted_s), "s", 0.8, ""
    yield "layout shift", max(shifts), "", 0.05, "the worst of five loads"
    charts = [slowly(here, browser, "/nodes/alpha", PHONE)[1] for _ in range(3)]
    yield "layout shift of a node's page, a phone", max(charts), "", 0.05, "the worst of three loads"


def weight(here: Pair, browser: Browser, path: str) -> float:
    """Bytes over the wire of the page and all that it fetches until it stands."""
    context = signed_in(browser, here)
    try:
        page = context.new_page()
        session = watching(page, "Network")
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        page.goto(f"{here.node.url}{path}")
        page.wait_for_load_state("networkidle")
        return sum(sizes)
    finally:
        context.close()


def slowly(
    here: Pair, browser: Browser, path: str = "/datacenter/cluster", size: tuple[int, int] = (1440, 900)
) -> tuple[float, float]:
    """→ when something was painted first, and how much was moved by what came later."""
    context = signed_in(browser, here)
    try:
        page = context.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        watching(page, "Emulation").send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(f"{here.node.url}{path}")
        page.evaluate(SHIFT)
        page.wait_for_timeout(3000)
        first = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"
        return float(page.evaluate(first)), float(page.evaluate("() => window.shifted"))
    finally:
        context.close()


def watching(page: Page, domain: str) -> CDPSession:
    session = page.context.new_cdp_session(page)
    if domain != "Emulation":
        session.send(f"{domain}.enable")
    return session


# --- live -------------------------------------------------------------------------------------------------------------


def painted(here: Pair, browser: Browser) -> Readings:
    with contextlib.ExitStack() as opened:
        pages = [opened.enter_context(visitor(browser, here)) for _ in range(BROWSERS)]
        for page in pages:
            chrome.record_changes(page)
        pages[0].wait_for_timeout(WATCHED_S * 1000)
        took = [change.took_ms for page in pages for change in chrome.changes_painted(page) if change.at_s]
    note = f"{len(took)} readings, median {statistics.median(took):.0f}"
    yield f"event at the daemon → pixel, {BROWSERS} browsers, p99", chrome.percentile(took, 0.99), "ms", 100, note


def crowd(here: Pair, browser: Browser) -> Readings:
    listening = Crowd(here.node)
    beside(listening.listen(SOCKETS, WATCHED_S))
    last = listening.last_ms(SOCKETS)
    note = f"{len(last)} changes, median {statistics.median(last):.0f}"
    yield f"event → the last of {SOCKETS} sockets, p99", chrome.percentile(last, 0.99), "ms", 1000, note


def idle(here: Pair, browser: Browser) -> Readings:
    """What one more open page costs: many of them, less one of them."""
    with contextlib.ExitStack() as opened:
        opened.enter_context(visitor(browser, here))
        alone = share(here, IDLE_S)
        crowded = beside(_with_pages(Crowd(here.node), here))
    each = max(0.0, crowded - alone) / IDLE_PAGES * 100
    yield "server, each further open page", each, "% of a core", 0.1, f"the first costs {alone:.1%}"


async def _with_pages(listening: Crowd, here: Pair) -> float:
    task = asyncio.create_task(listening.listen(IDLE_PAGES, IDLE_S + 8))
    await asyncio.sleep(5)  # the handshakes are over
    began, used = time.monotonic(), here.web_cpu_s()
    await asyncio.sleep(IDLE_S)
    took = (here.web_cpu_s() - used) / (time.monotonic() - began)
    await task
    return took


def busy(here: Pair, browser: Browser) -> Readings:
    """32 nodes: the process of the pages and the page's main thread."""
    with visitor(browser, here) as page:
        session = watching(page, "Performance")
        page.wait_for_timeout(5000)
        before, began, used = metrics(session), time.monotonic(), here.web_cpu_s()
        page.wait_for_timeout(WATCHED_S * 1000)
        took_s = time.monotonic() - began
        after = metrics(session)
        yield (
            "32 nodes × 8 links, one viewer: process of the pages",
            (here.web_cpu_s() - used) / took_s * 100,
            "%",
            15,
            "",
        )
        worked_s = after["TaskDuration"] - before["TaskDuration"]
        yield "32 nodes × 8 links: main thread of the page", worked_s / took_s * 100, "%", 10, ""


def a_day(here: Pair, browser: Browser) -> Readings:
    from demo.bench.day import live_through

    day = live_through(here, browser, share=DAY_SHARE)
    note = f"{day.pushed} pushes, missed {day.missed}; after each quarter: " + ", ".join(
        f"{size:.0f}" for size in day.heaps_kib
    )
    yield (
        f"heap, growth over the second half of {DAY_SHARE:.0%} of a day",
        max(0.0, day.heaps_kib[-1] - day.heaps_kib[1]),
        "KiB",
        256,
        note,
    )


def beside(work: Coroutine[Any, Any, Result]) -> Result:
    """In a thread of its own: in this one the browser's driver has its loop."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, work).result()


def share(here: Pair, seconds: float) -> float:
    began, used = time.monotonic(), here.web_cpu_s()
    time.sleep(seconds)
    return (here.web_cpu_s() - used) / (time.monotonic() - began)


def metrics(session: CDPSession) -> dict[str, float]:
    told: dict[str, Any] = session.send("Performance.getMetrics")
    return {each["name"]: each["value"] for each in told["metrics"]}


def as_table(lines: list[Line]) -> str:
    width = max(len(line.name) for line in lines)
    rows = [
        f"{line.name:{width}}  {line.value:9.2f} {line.unit:11}  goal {line.goal:g}: {line.verdict:11}"
        f"  others' CPU {line.noise:4.0%}  {line.note}".rstrip()
        for line in lines
    ]
    return "\n".join(rows)
