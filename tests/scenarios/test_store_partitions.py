"""The store's contract on real corosync when the network between nodes is cut, one way and both ways, under load.

After each fault: no acknowledged write is lost, no refused one is there, no call hung, all trees are equal in time, and
what a node had to drop is in its journal of conflicts.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable

import pytest

from cluster.control import requests
from cluster.control.link_requests import Links
from demo.visitor import eventually
from lab import faults
from tests.scenarios.evidence import ask
from tests.scenarios.healing import OURS_S, epoch_of, watch_healing
from tests.scenarios.load import FAILED, OK, UNKNOWN, Load
from tests.scenarios.office import NAMES, NOTICED_S, Office

ROUNDS = 20
SEED = 7
CUT_S = (0.2, 4.0)  # some cuts are over before anybody has noticed, most are not
FLAPPING_S, FLAP_S = 30.0, (0.5, 3.0)
WRITING_AGAIN_S = 15.0
RINGS_TRIED = 3
LINKS_SHOWN_S = 60.0  # a link that is whole again is trusted again after a while
pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(400)]


def others(victim: str) -> list[str]:
    return [name for name in NAMES if name != victim]


def test_a_minority_acknowledges_nothing_and_loses_nothing(office: Office, tell: Callable[[str], None]) -> None:
    with Load(office.nodes) as load:
        time.sleep(1)
        faults.split(office.lab, [["alpha"], ["beta", "gamma"]])
        cut_at = time.monotonic()
        time.sleep(NOTICED_S + 3)
        noticed = cut_at + NOTICED_S
        assert not load.acknowledged_by("alpha", noticed), "the minority acknowledged a write"
        assert load.acknowledged_by("beta", noticed), "the majority stopped writing"
        reason = ask(office["alpha"], requests.Status())["cluster"]["store"]["reason"]
        assert "votes" in reason, reason
        logs = office.logs()
        faults.heal(office.lab)
        healing = watch_healing(office.lab, load)
    tell(f"symmetric split: {healing}; {office.judged(load, logs)}")
    assert healing.ours_s < OURS_S, healing


def test_cutting_what_one_node_sends_undoes_no_majoritys_write(office: Office, tell: Callable[[str], None]) -> None:
    """The fault that makes pmxcfs lose what a quorate majority acknowledged, twenty times over."""
    dice, healings, loads = random.Random(SEED), [], []
    for turn in range(ROUNDS):
        victim, cut_s = NAMES[turn % 3], dice.uniform(*CUT_S)
        with Load(office.nodes) as load:
            time.sleep(0.5)
            faults.cut(office.lab, [victim], others(victim), oneway=True)
            time.sleep(cut_s)
            logs = office.logs()
            faults.heal(office.lab)
            healings.append(watch_healing(office.lab, load))
        office.judged(load, logs)
        loads.append(load)
    slowest = max(healings, key=lambda one: one.ours_s)
    written = sum(len(load.changes(OK)) for load in loads)
    unknown = sum(len(load.changes(UNKNOWN)) for load in loads)
    tell(f"{ROUNDS} one-way cuts: {written} acknowledged, {unknown} unknown, none lost; the slowest: {slowest}")
    assert slowest.ours_s < OURS_S, slowest


def test_a_network_that_comes_and_goes_leaves_a_cluster_that_writes(
    office: Office, tell: Callable[[str], None]
) -> None:
    dice, ends_s = random.Random(SEED), time.monotonic() + FLAPPING_S
    epochs: dict[str, list[int]] = {name: [] for name in NAMES}
    with Load(office.nodes) as load:
        while time.monotonic() < ends_s:
            victim = dice.choice(NAMES)
            faults.cut(
                office.lab, [victim], dice.sample(others(victim), dice.randint(1, 2)), oneway=dice.random() < 0.5
            )
            time.sleep(dice.uniform(*FLAP_S))
            faults.heal(office.lab)
            time.sleep(dice.uniform(*FLAP_S))
            for node in office.nodes:
                epochs[node.name].append(ask(node, requests.Status())["cluster"]["store"]["revision"]["epoch"])
        healing = watch_healing(office.lab, load)
    for name, seen in epochs.items():
        assert seen == sorted(seen), f"{name} went back to an earlier epoch: {seen}"
    tell(f"flapping for {FLAPPING_S:.0f} s: {healing}; {office.judged(load)}")
    assert healing.writing_s < WRITING_AGAIN_S, healing


def test_either_of_two_links_is_enough(office: Office, tell: Callable[[str], None]) -> None:
    """corosync moves to the other link, in the same ring: nobody is refused, nobody has to ask again. A machine that
    keeps corosync waiting for a token's time breaks a ring by itself, so that a broken ring is tried again."""
    for _ in range(RINGS_TRIED):
        before = epochs_of(office)
        with Load(office.nodes) as load:
            for link in (0, 1):
                await_links(office, {0: True, 1: True})
                faults.cut(office.lab, NAMES, NAMES, link=link)
                await_links(office, {link: False, 1 - link: True})
                faults.heal(office.lab)
            await_links(office, {0: True, 1: True})
        told = f"each of two links cut in turn: longest pause {longest_pause_s(load):.2f} s; {office.judged(load)}"
        if epochs_of(office) == before:
            break
        tell(f"the ring broke; {told}")
    else:
        pytest.fail(f"the ring broke {RINGS_TRIED} times although a link was whole")
    assert not load.changes(FAILED) and not load.changes(UNKNOWN), str(load)
    tell(told)


def epochs_of(office: Office) -> dict[str, int | None]:
    return {node.name: epoch_of(node) for node in office.nodes}


def await_links(office: Office, wanted: dict[int, bool]) -> None:
    """Until every node shows every link to every other one as it is wanted."""

    def so() -> bool:
        shown = [row for node in office.nodes for row in ask(node, Links())]
        return bool(shown) and all(row["connected"] is wanted[row["link"]] for row in shown)

    eventually(f"the links are {wanted}", so, LINKS_SHOWN_S)


def longest_pause_s(load: Load) -> float:
    """The longest time in which no client anywhere was acknowledged a write."""
    returned = sorted(call.returned_s for call in load.changes(OK))
    return max(later - earlier for earlier, later in itertools.pairwise(returned))
