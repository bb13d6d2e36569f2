"""One seed from beginning to end: safety while things break, a majority healed and probed, everybody healed, judged."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest.mock import patch

from cluster.core import tree
from tests.history.check import Verdict as History
from tests.history.check import judge as judge_history
from tests.simulation.load import Load, pace_of
from tests.simulation.nemesis import Nemesis
from tests.simulation.world import World

MAJORITY_S = 60.0  # a healed majority has this long to take a write
SETTLE_S = 60.0
SMALL_STORE_BYTES = 6000


@dataclass
class Verdict:
    """What came of a seed. `finding` is empty when every property held; `noted` is what a run that is not strict
    saw on its way."""

    seed: int
    finding: str = ""
    noted: tuple[str, ...] = ()
    history: History = field(default_factory=History)
    events: int = 0
    simulated_s: float = 0.0
    answers: int = 0
    faults: int = 0
    trace: int = 0
    sightings: dict[str, int] = field(default_factory=dict)


def simulate(
    seed: int,
    told: Callable[[str], None] | None = None,
    *,
    strict: bool = True,
    see: Callable[[World], None] = lambda world: None,
) -> Verdict:
    """Run one seed to its end. The same seed is the same story, always. `told` hears it, `see` is shown the world."""
    small = random.Random(-seed).random() < 0.12
    with patch.object(tree, "TREE_SIZE_MAX", SMALL_STORE_BYTES if small else tree.TREE_SIZE_MAX):
        return _simulate(seed, told, strict, see)


def _simulate(seed: int, told: Callable[[str], None] | None, strict: bool, see: Callable[[World], None]) -> Verdict:
    pace = pace_of(seed)
    world = World(seed, 1 + seed % 5, told, strict=strict)
    see(world)
    load = Load(world, pace)
    nemesis = Nemesis(world, load)
    verdict = Verdict(seed)
    try:
        world.clock.run(pace.faults_s)
        nemesis.relent()
        world.clock.run(pace.faults_s + MAJORITY_S)
        nemesis.heal_everybody()
        world.clock.run(pace.faults_s + MAJORITY_S + SETTLE_S / 2)
        load.active = False
        world.clock.run(pace.faults_s + MAJORITY_S + SETTLE_S)
        world.judge.check_the_end()
    except Exception as error:  # a core that breaks down is a finding, and clients have seen what they have seen
        known = isinstance(error, AssertionError) and str(error)
        verdict.finding = str(error) if known else f"{type(error).__name__}: {error}"
        world.judge.history = judge_history(world.clients.calls)
        world.tell(f"FOUND {verdict.finding}")
    judge = world.judge
    verdict.noted, verdict.history = tuple(judge.noted), judge.history
    verdict.events, verdict.simulated_s = world.clock.events, world.clock.now_s
    verdict.answers, verdict.faults, verdict.trace = judge.answers, nemesis.faults, world.network.trace
    verdict.sightings = dict(judge.sightings)
    return verdict
