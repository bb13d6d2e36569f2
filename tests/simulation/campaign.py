"""Many seeds at once, on all cores, and what was found and seen in them. Work is counted, never timed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from tests.simulation.mutants import broken
from tests.simulation.run import Verdict, simulate


@dataclass
class Totals:
    seeds: int = 0
    hours: float = 0.0
    faults: int = 0
    answers: int = 0
    events: int = 0
    findings: dict[int, str] = field(default_factory=dict)  # seed → sentence
    sightings: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: Verdict) -> None:
        self.seeds += 1
        self.hours += verdict.simulated_s / 3600
        self.faults += verdict.faults
        self.answers += verdict.answers
        self.events += verdict.events
        self.sightings.update(verdict.sightings)
        if verdict.finding:
            self.findings[verdict.seed] = verdict.finding

    def __str__(self) -> str:
        return (
            f"{self.hours:.1f} cluster-hours in {self.seeds} seeds: {self.faults} faults, {self.answers} answers, "
            f"{self.sightings['calls judged']} calls judged by both checkers, {self.events} events, "
            f"{len(self.findings)} findings"
        )


def tried(seed: int, mutant: str = "", strict: bool = True) -> Verdict:
    """One seed, with a core that may lack one of its rules."""
    with broken(mutant):
        return simulate(seed, strict=strict)


def run(seeds: Iterable[int], mutant: str = "") -> Totals:
    """All of them, on all cores. The outcome does not depend on how many there are."""
    totals = Totals()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for verdict in pool.map(partial(tried, mutant=mutant), seeds, chunksize=2):
            totals.add(verdict)
    return totals
