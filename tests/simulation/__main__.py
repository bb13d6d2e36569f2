"""`python -m tests.simulation SEED` tells the story of one seed; `FIRST COUNT` runs many and prints what was found."""

from __future__ import annotations

import sys
import time
from collections import Counter

from tests.simulation.nemesis import simulate


def many(first: int, count: int) -> int:
    began_s = time.monotonic()
    found, sightings = 0, Counter[str]()
    events = answers = faults = 0
    simulated_s = 0.0
    for seed in range(first, first + count):
        try:
            verdict = simulate(seed)
        except Exception as error:
            print(f"seed {seed}: {type(error).__name__}: {error}", flush=True)
            found += 1
            continue
        if verdict.finding:
            found += 1
            print(f"seed {seed}: {verdict.finding}", flush=True)
        sightings.update(verdict.sightings)
        events, answers, faults = events + verdict.events, answers + verdict.answers, faults + verdict.faults
        simulated_s += verdict.simulated_s
    took_s = time.monotonic() - began_s
    print(
        f"{count} seeds, {found} with findings; {simulated_s / 3600:.1f} cluster-hours, {faults} faults, "
        f"{answers} answers, {events} events in {took_s:.0f} s ({events / took_s:.0f}/s)"
    )
    for what, times in sorted(sightings.items()):
        print(f"  {times:8d}  {what}")
    return 1 if found else 0


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:]]
    if len(numbers) == 1:
        print(simulate(numbers[0], print))
    else:
        sys.exit(many(*numbers))
