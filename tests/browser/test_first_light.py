"""The main job as a person does it, in a real Chromium, on both engines: create, copy, paste, and watch it live."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest
from playwright.sync_api import Page

from demo import pages
from demo.browser import Painted, changes_painted, percentile, record_changes
from demo.noise import Noise, noise
from demo.visitor import Visit, Visited, eventually
from lab import Lab
from tests.browser.conftest import Visitor
from tests.scenarios.conftest import ENGINES, demo_of

NAMES = ["alpha", "beta", "gamma"]
CYCLES = {"loopback": 4, "corosync": 1}

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.mark.parametrize("engine", ENGINES)
def test_create_join_by_pasting_and_watch_a_node_go_and_come_back(
    engine: str, visitor: Visitor, tell: Callable[[str], None]
) -> None:
    with demo_of(engine, 3) as here:
        shown = form_a_cluster_by_hand(here, visitor)
        watching = {name: shown[name] for name in ("alpha", "beta")}
        for page in watching.values():
            page.evaluate("() => { window.sameDocument = true; }")
        painted: list[Painted] = []
        with noise(f"QUIRE_DEMO={here.state}") as during:
            for _ in range(CYCLES[engine]):
                painted += kill_and_watch(here, engine, watching)
                painted += restart_and_watch(here, engine, watching)
        assert all(page.evaluate("() => window.sameDocument") for page in watching.values()), "a page was reloaded"
        tell_figures(engine, painted, during, tell)


def form_a_cluster_by_hand(here: Visit, visitor: Visitor) -> dict[str, Page]:
    shown = {name: visitor("about:blank") for name in NAMES}
    for name, page in shown.items():
        pages.sign_in(page, here[name].url, here.user, here.password)
        assert page.get_by_text("Standalone node - no cluster defined").is_visible()
    pages.create(shown["alpha"], "office")
    for name in NAMES[1:]:
        text = pages.copy_join_information(shown["alpha"])
        pages.join(shown[name], text, "office", here.password)
    for page in shown.values():
        pages.expect_nodes(page, NAMES, 30)
        for name in NAMES:
            pages.expect_state(page, name, "online", 30)
    return shown


def kill_and_watch(here: Visit, engine: str, watching: dict[str, Page]) -> list[Painted]:
    """gamma dies; every watching page shows it offline in time, without a reload."""
    for page in watching.values():
        record_changes(page)
    bound_s = 1.0 if engine == "loopback" else corosync_notices_s(here["alpha"])
    killed_s = time.time()
    if engine == "loopback":
        here["gamma"].kill()
    else:
        Lab.at(str(here.state / "lab")).kill("gamma")
    return await_shown(watching, "offline", killed_s, bound_s)


def restart_and_watch(here: Visit, engine: str, watching: dict[str, Page]) -> list[Painted]:
    for page in watching.values():
        record_changes(page)
    if engine == "corosync":
        lab = Lab.at(str(here.state / "lab"))
        lab.start("gamma")
        here["gamma"].enter = lab.enter("gamma")
    started_s = time.time()
    here["gamma"].start_again()
    return await_shown(watching, "online", started_s, 60)


def await_shown(watching: dict[str, Page], state: str, since_s: float, bound_s: float) -> list[Painted]:
    painted: list[Painted] = []
    for name, page in watching.items():
        pages.expect_state(page, "gamma", state, bound_s + 5)
        recorded: list[Painted] = eventually("the frame is painted", partial(changes_painted, page), 5)
        shown_s = next(change.painted_s for change in recorded if change.shows("gamma", state)) - since_s
        print(f"{name} showed gamma {state} after {shown_s:.2f} s (bound {bound_s:.2f} s)")
        assert shown_s <= bound_s
        painted += recorded
    return painted


def corosync_notices_s(node: Visited) -> float:
    """Token timeout, consensus, and a second."""
    told = node.command("corosync-cmapctl", "-b", "runtime.config.totem.token", "runtime.config.totem.consensus")
    return sum(int(line.split()[-1]) for line in told.stdout.splitlines() if "totem." in line) / 1000 + 1


def tell_figures(engine: str, painted: list[Painted], during: Noise, tell: Callable[[str], None]) -> None:
    membership = [change.took_ms for change in painted if change.membership]
    everything = [change.took_ms for change in painted]
    tell(
        f"{engine}: from the daemon's membership event to the painted frame p99 {percentile(membership, 0.99):.0f} ms"
        f" ({len(membership)} readings, median {percentile(membership, 0.5):.0f} ms);"
        f" any change p99 {percentile(everything, 0.99):.0f} ms ({len(everything)} readings);"
        f" others used {during.foreign_share:.0%} of the machine"
    )
