"""A thousand hours of simulated clusters: every property holds, both history checkers agree, and the faults bite.

On CI the whole of it, some minutes on two cores; elsewhere a tenth. `QUIRE_SIMULATION_HOURS` and
`QUIRE_SIMULATION_SEED` ask for another amount and other seeds. A seed that fails explains itself by
`python -m tests.simulation SEED`.
"""

from __future__ import annotations

import math
import os

import pytest

from tests.simulation import campaign
from tests.simulation.load import LONG, LONG_HAULS_FROM
from tests.simulation.properties.sometimes import SOMETIMES
from tests.simulation.run import MAJORITY_S, SETTLE_S

ALL_HOURS = 1000
HOURS = int(os.environ.get("QUIRE_SIMULATION_HOURS", ALL_HOURS if os.environ.get("CI") == "true" else 100))
FIRST_SEED = int(os.environ.get("QUIRE_SIMULATION_SEED", "1"))
DENSE_SEEDS = HOURS // 8
LONG_SEED_S = LONG.faults_s + MAJORITY_S + SETTLE_S
ALSO_HAPPENS = (
    "answered Done", "answered Refused", "answered NotDone", "answered Unknown", "alarm", "newcomer", "removal",
    "resigned", "snapshot taken", "fetch failed", "disk wiped", "another cluster's node", "linearizable read",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_no_cluster_hour_breaks_a_promise(capsys: pytest.CaptureFixture[str]) -> None:
    dense = range(FIRST_SEED, FIRST_SEED + DENSE_SEEDS)
    first_long = LONG_HAULS_FROM + FIRST_SEED
    long = range(first_long, first_long + math.ceil(HOURS * 3600 / LONG_SEED_S))
    totals = campaign.run([*long, *dense])
    with capsys.disabled():
        print(f"\n  simulated {totals}")
    assert totals.findings == {}, "python -m tests.simulation SEED tells a seed's story"
    assert totals.hours >= HOURS
    if HOURS >= ALL_HOURS:
        unseen = [what for what in (*SOMETIMES, *ALSO_HAPPENS) if not totals.sightings[what]]
        assert unseen == [], "the faults miss something they should cause"
