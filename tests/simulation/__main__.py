"""`python -m tests.simulation SEED` tells the story of one seed; `FIRST COUNT` runs many and prints what was found.

`--whole` tells all of the story instead of what leads to the finding, `--mutant NAME` breaks the core first, and
`--traces` prints one line per seed by which two runs can be compared.
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation import campaign, story


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int, nargs="?", default=0)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--mutant", default="")
    parser.add_argument("--traces", action="store_true")
    asked = parser.parse_args()
    seeds = range(asked.seed, asked.seed + max(asked.count, 1))
    if asked.traces:
        for seed in seeds:
            verdict = campaign.tried(seed, asked.mutant)
            print(seed, f"{verdict.trace:08x}", verdict.events, verdict.answers, sorted(verdict.sightings.items()))
        return 0
    if not asked.count:
        return story.tell(asked.seed, asked.mutant, whole=asked.whole)
    began_s = time.monotonic()
    totals = campaign.run(seeds, asked.mutant)
    for seed, finding in totals.findings.items():
        print(f"seed {seed}: {finding}")
    print(f"{totals} in {time.monotonic() - began_s:.0f} s")
    for what, times in sorted(totals.sightings.items()):
        print(f"  {times:8d}  {what}")
    return 1 if totals.findings else 0


if __name__ == "__main__":
    sys.exit(main())
