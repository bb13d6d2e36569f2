"""Links of three nodes on real corosync: what is shown of them is so, and they can be changed under load.

A link is cut, delayed and moved to other addresses while clients write; what nobody confirms goes back.
"""

from __future__ import annotations

import contextlib
import re
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cluster.control.link_requests import Links
from cluster.control.requests import Status
from demo.visitor import eventually
from lab import faults
from lab.inside import run_inside
from tests.scenarios.evidence import ask
from tests.scenarios.load import OK, Load
from tests.scenarios.office import NAMES, Office, office_of

pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(300)]
SHOWN_S = 5.0
BOTH_ENDS = [("alpha", "gamma"), ("gamma", "alpha")]
CONFIRM_S, CHANGED_S = 36, 90
MOVED = 100  # added to the last part of an address


@pytest.fixture(scope="module")
def own_office() -> Iterator[Office]:
    """Apart from the other tests' nodes: these move the links away from where a lab has them."""
    with office_of(disk_mib=64) as here:
        yield here


@pytest.fixture
def whole(own_office: Office) -> Iterator[Office]:
    office = own_office
    eventually("all links are up", lambda: all(row["connected"] for row in rows(office)), 30)
    yield office
    faults.heal(office.lab)
    for name in NAMES:
        faults.delay(office.lab, name, 0)


def rows(office: Office, on: str = "alpha") -> list[dict[str, Any]]:
    return list(ask(office[on], Links()))


def row(office: Office, node: str, peer: str, link: int, on: str = "alpha") -> dict[str, Any]:
    return next(one for one in rows(office, on) if (one["node"], one["peer"], one["link"]) == (node, peer, link))


def statistic(office: Office, node: str, peer: str, link: int, name: str) -> int:
    key = f"stats.knet.node{office.lab.number(peer)}.link{link}.{name}"
    said = office[node].command("corosync-cmapctl", "-m", "stats", "-g", key).stdout
    found = re.search(r"= (\d+)", said)
    assert found, said
    return int(found[1])


def moved(office: Office, name: str, link: int) -> str:
    network, _, last = office.lab.address(name, link).rpartition(".")
    return f"{network}.{int(last) + MOVED}"


def wish(office: Office, link: int, address: Callable[[str, int], str]) -> str:
    return ",".join(f"{name}={address(name, link)}" for name in NAMES)


def addresses_in_use(office: Office) -> set[str]:
    return {one["peer_address"] for name in NAMES for one in rows(office, name) if one["node"] == name}


def give_addresses(office: Office) -> None:
    for name in NAMES:
        for link in (0, 1):
            office[name].command("ip", "addr", "add", f"{moved(office, name, link)}/24", "dev", f"link{link}")


def gap_s(load: Load) -> float:
    """The longest time in which no write that was acknowledged came back, on any node."""
    times = sorted(call.returned_s for call in load.changes(OK))
    return max(later - earlier for earlier, later in zip(times, times[1:], strict=False))


def test_what_is_shown_of_a_link_is_what_corosync_says_at_that_moment(whole: Office) -> None:
    def alike() -> bool:
        shown = row(whole, "alpha", "beta", 0)
        said = {name: statistic(whole, "alpha", "beta", 0, name) for name in ("latency_ave", "latency_max", "mtu")}
        return (shown["latency_ave_us"], shown["latency_max_us"], shown["mtu"]) == tuple(said.values())

    eventually("the figures read at one moment are alike", alike, 5)  # a ping may come back between the two readings


def round_trip_ms(office: Office, node: str, peer: str, link: int) -> float:
    """Of a packet now, by the kernel's own refusal of a connection: on a busy machine a delay is not what it should."""

    def refused() -> float:
        times = []
        for _ in range(10):
            began_s = time.monotonic()
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection((office.lab.address(peer, link), 9), timeout=2).close()
            times.append((time.monotonic() - began_s) * 1000)
            time.sleep(0.1)
        return statistics.mean(times)

    return run_inside(office.lab, node, refused)


def test_a_delay_shows_as_such_on_every_node(whole: Office, tell: Callable[[str], None]) -> None:
    faults.delay(whole.lab, "gamma", 4, link=1)  # each way
    began_s = time.monotonic()
    found: list[str] = []

    def shown() -> bool:
        real_ms = round_trip_ms(whole, "alpha", "gamma", 1)
        shown_ms = [(row(whole, *ends, 1, on="beta")["latency_us"] or 0) / 1000 for ends in BOTH_ENDS]
        found.append(f"{real_ms:.1f}: {shown_ms}")
        return all(abs(one - 8) < 1.6 or abs(one - real_ms) < 0.2 * real_ms for one in shown_ms)

    try:
        eventually("8 ms are shown as 8 ms ± 20 % of both ends", shown, SHOWN_S + 1)
    finally:
        tell(f"real round trip and what both ends show, in ms: {found}")
    tell(f"8 ms shown on the third node {time.monotonic() - began_s:.1f} s after they began")


def test_a_cut_link_shows_on_both_ends_while_the_other_carries_on(whole: Office, tell: Callable[[str], None]) -> None:
    """Corosync's own time to see it varies by as much as a second with what else the machine does: so best of three."""
    token_s, tries_s = token_in_use_s(whole), []
    while len(tries_s) < 3 and min(tries_s, default=CHANGED_S) > token_s + 1:
        tries_s.append(until_cut_is_shown_s(whole))
        eventually("other links are up", lambda: others_up(whole), 5)
        faults.heal(whole.lab)
        eventually("the link is up again", lambda: row(whole, "beta", "gamma", 0)["connected"], 20)
    tell(f"a cut link is shown on both ends after {min(tries_s):.1f} s, token {token_s:.3f} s; {len(tries_s)} tries")
    assert min(tries_s) <= token_s + 1
    eventually("the link has gone down once more", lambda: row(whole, "beta", "gamma", 0)["flaps"], 10)


def token_in_use_s(office: Office) -> float:
    """With what is added to the configured one for each further node."""
    said = office["beta"].command("corosync-cmapctl", "-g", "runtime.config.totem.token").stdout
    return int(said.rpartition("=")[2]) / 1000


def others_up(office: Office) -> bool:
    return all(row(office, *one)["connected"] for one in (("beta", "gamma", 1), ("alpha", "beta", 0)))


def until_cut_is_shown_s(office: Office) -> float:
    faults.cut(office.lab, ["beta"], ["gamma"], link=0)
    began_s = time.monotonic()

    def both_down() -> bool:
        ends = [one for one in rows(office) if one["link"] == 0 and {one["node"], one["peer"]} == {"beta", "gamma"}]
        return not any(one["connected"] for one in ends)

    eventually("the cut shows on both ends", both_down, 15)
    return time.monotonic() - began_s


def test_all_links_move_under_load_and_no_acknowledged_write_is_lost(
    whole: Office, tell: Callable[[str], None]
) -> None:
    give_addresses(whole)
    former = addresses_in_use(whole)
    with Load(whole.nodes) as load:
        time.sleep(1)
        wishes = [f"--link{link}={wish(whole, link, lambda name, link: moved(whole, name, link))}" for link in (0, 1)]
        began_s = time.monotonic()
        ran = whole["alpha"].pvecm("links", "set", *wishes, "--at-once", timeout_s=CHANGED_S)
        took_s = time.monotonic() - began_s
        time.sleep(1)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert addresses_in_use(whole) == {moved(whole, name, link) for name in NAMES for link in (0, 1)}
    tell(f"all links moved in {took_s:.1f} s; longest gap between writes {gap_s(load):.2f} s; {whole.judged(load)}")
    assert gap_s(load) < 2
    beta, back = whole["beta"], {f"link{link}": wish(whole, link, whole.lab.address) for link in (0, 1)}
    upid = beta.put("/cluster/config/links", **back, **{"confirm-s": CHANGED_S})
    eventually("it waits to be confirmed", lambda: "Confirm the change" in " ".join(beta.task_log(upid)), 60)
    whole["alpha"].post("/cluster/config/links/trial")
    assert beta.task_end(upid, CHANGED_S) == "OK"
    assert addresses_in_use(whole) == former


def test_what_nobody_confirms_goes_back_in_time(whole: Office, tell: Callable[[str], None]) -> None:
    give_addresses(whole)
    former = addresses_in_use(whole)
    wanted = {f"link{link}": wish(whole, link, lambda name, link: moved(whole, name, link)) for link in (0, 1)}
    words = [f"--{link}={value}" for link, value in wanted.items()]
    with Load(whole.nodes) as load, ThreadPoolExecutor(1) as beside:
        asked = beside.submit(
            whole["alpha"].pvecm, "links", "set", *words, "--confirm-s", str(CONFIRM_S), timeout_s=CHANGED_S
        )
        eventually("the change is on trial", lambda: on_trial(whole), 30)
        began_s = time.monotonic()
        eventually("the trial is over", lambda: not on_trial(whole), CONFIRM_S)
        took_s = time.monotonic() - began_s
        eventually("the former addresses are in use", lambda: addresses_in_use(whole) == former, 5)
        ran = asked.result(30)
    assert ran.returncode == 1 and "nobody confirmed it" in ran.stderr, ran.stdout + ran.stderr
    tell(
        f"unconfirmed: back after {took_s:.1f} s of {CONFIRM_S}; longest gap {gap_s(load):.2f} s; {whole.judged(load)}"
    )
    assert gap_s(load) < 2


def on_trial(office: Office) -> bool:
    told = ask(office["beta"], Status())["cluster"]["link_trial"]
    return told is not None and told["back_s"] is None
