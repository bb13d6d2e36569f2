"""The store's contract when the power fails: on one node, on two, on all at once, under load, with real disks.

Each node's store and corosync's own state lie on an ext4 file system of the node's own. A cut takes what was not
flushed to it and ends every process of the node in the same moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.scenarios.healing import OURS_S, watch_healing
from tests.scenarios.load import Load
from tests.scenarios.office import NAMES, Office

BACK_S = 30.0
pytestmark = [pytest.mark.corosync, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.mark.parametrize("victims", [["alpha"], ["beta"], ["alpha", "gamma"], NAMES], ids=" and ".join)
def test_a_power_cut_loses_nothing_that_was_acknowledged(
    office: Office, victims: list[str], tell: Callable[[str], None]
) -> None:
    with Load(office.nodes, writers_each=4) as load:
        time.sleep(1.5)
        office.cut_power(victims)
        cut_at = time.monotonic()
        left = [name for name in NAMES if name not in victims]
        if len(left) > len(NAMES) // 2:
            time.sleep(4)
            assert load.acknowledged_by(left[0], cut_at + 3), "the majority that was left stopped writing"
        office.power_on(victims)
        healing = watch_healing(office.lab, load)
        time.sleep(0.5)
    tell(f"power cut of {', '.join(victims)}: {healing}; {office.judged(load)}")
    assert healing.ours_s < OURS_S, healing
