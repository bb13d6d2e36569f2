"""The arithmetic of quorum against corosync's simulator, over hundreds of generated layouts in one run.

Clusters of two to eight nodes with any votes and every option that is modelled, split, restarted and losing nodes one
after the other. Seeds make them, so a difference comes back by its seed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cluster.core import quorum
from cluster.core.quorum import Options
from tests.live_corosync import vqsim
from tests.live_corosync.vqsim import Simulator

pytestmark = [
    pytest.mark.corosync,
    pytest.mark.skipif(not vqsim.INSTALLED, reason="corosync-vqsim is not installed"),
]
LAYOUTS_MIN = 500
AT_ONCE = 6
ATTEMPTS = 3
WINDOW_MS = 60
Side = frozenset[int]


@dataclass(frozen=True)
class Compared:
    """What was done to a cluster, what we say of every node, and what corosync says."""

    seed: int
    keys: Mapping[str, object]
    votes: Mapping[int, int]
    done: object
    ours: Mapping[int, bool]
    theirs: Mapping[int, bool]


def test_corosync_decides_the_same_in_hundreds_of_layouts(tmp_path: Path) -> None:
    works = [(seed, kind) for seed in range(9) for kind in KINDS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        compared = [each for found in pool.map(lambda work: _one(tmp_path, *work), works) for each in found]
    assert [each for each in compared if each.ours != each.theirs] == []
    assert len(compared) >= LAYOUTS_MIN


def _one(folder: Path, seed: int, kind: str) -> list[Compared]:
    """A busy machine can keep a simulator's nodes from hearing of each other in time: a difference has to come back."""
    found: list[Compared] = []
    for attempt in range(ATTEMPTS):
        own = folder / f"{kind}-{seed}-{attempt}"
        own.mkdir()
        found = list(KINDS[kind](random.Random(f"{kind} {seed}"), own, seed))
        if all(each.ours == each.theirs for each in found):
            break
    return found


# --- splits, and together again ---------------------------------------------------------------------------------------


def _splits(rng: random.Random, folder: Path, seed: int, votes: dict[int, int], keys: dict, options: Options):
    with Simulator(folder, votes, keys) as simulator:
        together = [frozenset(votes)]
        ours = _decided(votes, together, options)
        yield Compared(seed, keys, votes, "start", ours, simulator.settled(together, ours))
        for _ in range(7):
            sides = _sides(rng, votes)
            ours = _decided(votes, sides, options)
            simulator.split(sides)
            yield Compared(seed, keys, votes, sides, ours, simulator.settled(sides, ours))
            simulator.together(len(sides))
            simulator.settled(together, _decided(votes, together, options))


def _plain(rng: random.Random, folder: Path, seed: int) -> Iterator[Compared]:
    yield from _splits(rng, folder, seed, _votes(rng), {}, Options())


def _expected(rng: random.Random, folder: Path, seed: int) -> Iterator[Compared]:
    votes = _votes(rng)
    count = rng.randint(1, sum(votes.values()) + 3)
    yield from _splits(rng, folder, seed, votes, {"expected_votes": count}, Options(expected_votes=count))


def _two_nodes(rng: random.Random, folder: Path, seed: int) -> Iterator[Compared]:
    options = Options(two_node=True)
    yield from _splits(rng, folder, seed, _votes(rng, nodes=2, equal=True), {"two_node": 1}, options)


def _tie_breaker(rng: random.Random, folder: Path, seed: int) -> Iterator[Compared]:
    votes = _votes(rng)
    listed = " ".join(map(str, rng.sample(sorted(votes), 2)))
    which = rng.choice(["lowest", "highest", listed])
    keys = {"auto_tie_breaker": 1, "auto_tie_breaker_node": which}
    yield from _splits(rng, folder, seed, votes, keys, Options(auto_tie_breaker=which))


# --- started anew, with some of the others ----------------------------------------------------------------------------


def _restarts(rng: random.Random, folder: Path, seed: int) -> Iterator[Compared]:
    keys, options = rng.choice(
        [
            ({"wait_for_all": 1}, Options(wait_for_all=True)),
            ({"auto_tie_breaker": 1}, Options(auto_tie_breaker="lowest")),
            ({"two_node": 1}, Options(two_node=True)),
            ({}, Options()),
        ]
    )
    votes = _votes(rng, nodes=2 if options.two_node else rng.randint(2, 6), equal=True)
    with Simulator(folder, votes, keys) as simulator:
        simulator.settled([frozenset(votes)])
        sides = _sides(rng, votes)
        ours = _decided(votes, sides, options, waiting=True)
        simulator.restart(sides)
        yield Compared(seed, keys, votes, ("anew", sides), ours, simulator.settled(sides, ours))


# --- losing nodes one after the other ---------------------------------------------------------------------------------


def _last_man_standing(rng: random.Random, folder: Path, seed: int) -> Iterator[Compared]:
    votes, options = _votes(rng, nodes=rng.randint(4, 8), equal=True), Options(last_man_standing=True)
    keys = {"last_man_standing": 1, "last_man_standing_window": WINDOW_MS}
    if rng.random() < 0.5:
        keys, options = {**keys, "auto_tie_breaker": 1}, replace(options, auto_tie_breaker="lowest")
    with Simulator(folder, votes, keys) as simulator:
        here, quorate = frozenset(votes), True
        simulator.settled([here], dict.fromkeys(here, True))
        while len(here) > 1 and quorate:
            before, here = here, frozenset(rng.sample(sorted(here), rng.randint(max(1, len(here) // 2), len(here) - 1)))
            quorate = quorum.decide(votes, here, options, before=before).quorate
            ours = dict.fromkeys(here, quorate)
            simulator.cut_off(before - here, len(votes) - len(here))
            yield Compared(seed, keys, votes, ("left", sorted(here)), ours, simulator.settled([here], ours))
            time.sleep(4 * WINDOW_MS / 1000)
            options = quorum.after_the_window(votes, here, options, before=before)


# --- with a QDevice ---------------------------------------------------------------------------------------------------


def _qdevice(rng: random.Random, folder: Path, seed: int) -> Iterator[Compared]:
    votes = _votes(rng, nodes=rng.randint(2, 7), equal=True)
    count = rng.choice([1, 1, 2, len(votes) - 1])
    keys = {"device.model": "net", "device.votes": count, "device.timeout": 1000, "device.sync_timeout": 1}
    options = Options(qdevice_votes=count)  # corosync does not start with two_node beside it
    for number in range(4):
        sides = _sides(rng, votes)
        favoured = rng.choice(sides)
        ours: dict[int, bool] = {}
        for side in sides:
            ours |= _decided(votes, [side], replace(options, qdevice_casts=side is favoured))
        (folder / str(number)).mkdir()
        with Simulator(folder / str(number), votes, keys) as simulator:
            simulator.settled([frozenset(votes)])
            simulator.split(sides)
            simulator.settled(sides)
            place = 0 if favoured is sides[-1] else sides.index(favoured) + 1
            simulator.say("qdevice on " + " ".join(f"{place}:{node_id}" for node_id in sorted(favoured)))
            yield Compared(seed, keys, votes, (sides, favoured), ours, simulator.settled(sides, ours))


KINDS = {
    "plain": _plain,
    "expected": _expected,
    "two-node": _two_nodes,
    "tie-breaker": _tie_breaker,
    "restart": _restarts,
    "restart-again": _restarts,
    "last-man-standing": _last_man_standing,
    "last-man-again": _last_man_standing,
    "qdevice": _qdevice,
    "plain-again": _plain,
    "tie-breaker-again": _tie_breaker,
    "expected-again": _expected,
}


# --- making them ------------------------------------------------------------------------------------------------------


def _votes(rng: random.Random, nodes: int = 0, equal: bool = False) -> dict[int, int]:
    node_ids = sorted(rng.sample(range(1, 20), nodes or rng.choice([2, 3, 3, 4, 4, 5, 6, 7])))
    votes = {node_id: 1 if equal or rng.random() < 0.6 else rng.randint(0, 4) for node_id in node_ids}
    return votes if any(votes.values()) else {**votes, node_ids[0]: 1}


def _sides(rng: random.Random, votes: Mapping[int, int]) -> list[Side]:
    count, found = rng.randint(2, 3), dict[int, set[int]]()
    for node_id in votes:
        found.setdefault(rng.randrange(count), set()).add(node_id)
    return [frozenset(side) for side in found.values()]


def _decided(votes: Mapping[int, int], sides: list[Side], options: Options, waiting: bool = False) -> dict[int, bool]:
    before = () if waiting else votes
    return {
        node_id: quorum.decide(votes, side, options, waiting=waiting, before=before).quorate
        for side in sides
        for node_id in side
    }
