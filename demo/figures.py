"""The figures of `script/bench`: time of create and join, of a change to the screen, weight, load time, memory.

Each stretch is measured on demos started for it, from outside. How a figure is read off a page is `browser.py`; what
disturbed it is `noise.py`.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from playwright.sync_api import Browser

from demo import browser as chrome
from demo import pages
from demo.forming import Reading, forming
from demo.noise import noise, pss_mib
from demo.visitor import ROOT, TRUSTING, Visit, Visited, eventually, visit
from lab import processes


@dataclass
class Figure:
    """One line of the table. `values` are single readings; `foreign_share` is others' part of the machine's time."""

    name: str
    unit: str
    values: list[float]
    foreign_share: float = 0.0
    load: float = 0.0

    def summary(self) -> str:
        if len(self.values) == 1:
            return f"{self.values[0]:.2f}"
        middle, worst = statistics.median(self.values), max(self.values)
        tail = f"  p99 {chrome.percentile(self.values, 0.99):.2f}" if len(self.values) >= 20 else ""
        return f"{middle:.2f}{tail}  worst {worst:.2f}  ({len(self.values)} readings)"


@dataclass
class Measured:
    engine: str
    cores: int
    figures: list[Figure] = field(default_factory=list)

    def stretch(self, tag: str, readings: Iterable[Reading]) -> None:
        """Take readings as they are made, and note beside each what the machine did meanwhile."""
        with noise(tag) as during:
            taken = list(readings)
        self.figures += [Figure(*reading, during.foreign_share, during.load) for reading in taken]


def measure(engine: str, repeat: int, cycles: int, first_address: str) -> Measured:
    measured = Measured(engine, os.cpu_count() or 1)
    for run in range(repeat):
        print(f"bench: demo {run + 1} of {repeat}", file=sys.stderr)
        with_demo(engine, first_address, lambda tag, here: measured.stretch(tag, forming(here)))
    print("bench: pages and memory", file=sys.stderr)
    with_demo(engine, first_address, lambda tag, here: measured.stretch(tag, living(here, cycles)))
    two_services(measured, first_address)
    return merged(measured)


def with_demo(engine: str, first_address: str, use: Callable[[str, Visit], None]) -> None:
    state = Path(tempfile.mkdtemp(prefix="quire-b"))
    try:
        with visit(state, 3, engine, first_address) as here:
            use(f"QUIRE_DEMO={state}", here)
    finally:
        shutil.rmtree(state, ignore_errors=True)


def merged(measured: Measured) -> Measured:
    """The readings of one name together in one line, with the noisiest stretch's noise."""
    lines: dict[str, Figure] = {}
    for figure in measured.figures:
        line = lines.setdefault(figure.name, Figure(figure.name, figure.unit, []))
        line.values += figure.values
        line.foreign_share = max(line.foreign_share, figure.foreign_share)
        line.load = max(line.load, figure.load)
    return Measured(measured.engine, measured.cores, list(lines.values()))


# --- pages and memory -------------------------------------------------------------------------------------------------


def living(here: Visit, cycles: int) -> Iterator[Reading]:
    here.form()
    weight, requests_made = first_load_weight(here.first)
    yield "first page, compressed", "KiB", [weight / 1024]
    yield "first page, requests", "", [requests_made]
    with chrome.chromium() as browser:
        yield "first page, load event", "ms", [first_load_ms(browser, here) for _ in range(5)]
        membership, all_changes = change_to_screen_ms(browser, here, cycles)
        yield "membership event → painted", "ms", membership
        yield "any change → painted", "ms", all_changes
    yield "memory of a node, daemon and web in one", "MiB PSS", [pss_mib(node.pid) for node in here.nodes.values()]


def first_load_weight(node: Visited) -> tuple[int, int]:
    """Bytes over the wire of the first page and everything it names, as a browser with gzip asks for it."""
    page, total = fetch(f"{node.url}/", {"Cookie": "=".join(node.browser_cookie())})
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    return total + sum(fetch(f"{node.url}{address}", {})[1] for address in addresses), 1 + len(addresses)


def fetch(url: str, headers: dict[str, str]) -> tuple[str, int]:
    request = urllib.request.Request(url, headers={**headers, "Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, context=TRUSTING, timeout=10) as answer:
        body = answer.read()
        packed = answer.headers.get("Content-Encoding") == "gzip"
    return (gzip.decompress(body) if packed else body).decode(errors="replace"), len(body)


def first_load_ms(browser: Browser, here: Visit) -> float:
    """From nothing cached to the load event, of the cluster's page, for someone who is signed in."""
    signed_in = chrome.visitor_context(browser)
    pages.sign_in(signed_in.new_page(), here.first.url, here.user, here.password)
    fresh = chrome.visitor_context(browser, storage_state=signed_in.storage_state())
    try:
        page = fresh.new_page()
        page.goto(here.first.url)
        return float(page.evaluate("() => performance.getEntriesByType('navigation')[0].loadEventEnd"))
    finally:
        signed_in.close()
        fresh.close()


def change_to_screen_ms(browser: Browser, here: Visit, cycles: int) -> tuple[list[float], list[float]]:
    """Kill and start the last node over and over, and read both times off the first node's page."""
    context = chrome.visitor_context(browser)
    victim = list(here.nodes)[-1]
    membership: list[float] = []
    everything: list[float] = []
    try:
        page = context.new_page()
        pages.sign_in(page, here.first.url, here.user, here.password)
        pages.open_cluster(page)
        for _ in range(cycles):
            for act, state in ((here[victim].kill, "offline"), (here[victim].start_again, "online")):
                chrome.record_changes(page)
                act()
                pages.expect_state(page, victim, state, 30)
                painted = chrome.changes_painted(page)
                everything += [change.took_ms for change in painted]
                membership += [change.took_ms for change in painted if change.membership]
    finally:
        context.close()
    return membership, everything


def two_services(measured: Measured, first_address: str) -> None:
    """Daemon and web as two processes of one stand-alone node, for the memory of each."""
    state = Path(tempfile.mkdtemp(prefix="quire-b"))
    tag = f"QUIRE_BENCH={state}"
    environment = {**os.environ, "QUIRE_BENCH": str(state), "QUIRE_STATE": str(state), "QUIRE_NAME": "alpha"}
    environment |= {"QUIRE_ADDRESS": first_address}

    def start(*words: str) -> int:
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL).pid

    def memory() -> Iterator[Reading]:
        daemon, web = start("runnode", "--engine", "loopback"), start("runweb")
        eventually("the web process answers", lambda: answers(f"https://{first_address}:8006"), 60)
        yield "memory of the daemon by itself", "MiB PSS", [pss_mib(daemon)]
        yield "memory of the web process by itself", "MiB PSS", [pss_mib(web)]

    try:
        measured.stretch(tag, memory())
    finally:
        processes.end_tagged(tag, 5)
        shutil.rmtree(state, ignore_errors=True)


def answers(url: str) -> bool:
    with urllib.request.urlopen(url, context=TRUSTING, timeout=3) as answer:
        return bool(answer.status == 200)


# --- telling ----------------------------------------------------------------------------------------------------------


def as_json(measured: Measured) -> str:
    return json.dumps(asdict(measured), indent=2)


def as_table(measured: Measured) -> str:
    rows = [(figure.name, figure.unit, figure.summary(), f"{figure.foreign_share:.0%}") for figure in measured.figures]
    width = max(len(name) for name, *_ in rows)
    unit_width = max(len(unit) for _, unit, *_ in rows)
    text_width = max(len(text) for _, _, text, _ in rows)
    worst = max((figure.foreign_share for figure in measured.figures), default=0)
    lines = [
        f"engine {measured.engine}, {measured.cores} cores, load up to {max(f.load for f in measured.figures):.1f};"
        f" others used up to {worst:.0%} of the machine meanwhile",
        f"{'':{width}}  {'':{unit_width}}  {'median':{text_width}}  others' CPU",
    ]
    lines += [
        f"{name:{width}}  {unit:{unit_width}}  {text:{text_width}}  {foreign:>11}" for name, unit, text, foreign in rows
    ]
    return "\n".join(lines)
