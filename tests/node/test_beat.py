"""The beat: nodes that began at different moments say their figures at one and the same."""

from __future__ import annotations

import pytest

from cluster.node.beat import until_beat_s

MIDNIGHT_S = 1_800_000_000.0


@pytest.mark.parametrize("every_s", [0.2, 0.5, 1.0, 2.0])
def test_whoever_waits_for_a_beat_wakes_in_it(every_s: float) -> None:
    for began_s in (MIDNIGHT_S, MIDNIGHT_S + 0.013, MIDNIGHT_S + 0.499, MIDNIGHT_S + 1.999):
        waited_s = until_beat_s(every_s, began_s)
        assert 0 < waited_s <= every_s + 0.01
        assert (began_s + waited_s) // every_s == began_s // every_s + 1


def test_nodes_that_begin_apart_wake_together() -> None:
    woken = {round(began_s + until_beat_s(2.0, began_s), 3) for began_s in (MIDNIGHT_S + 0.1, MIDNIGHT_S + 1.7)}
    assert len(woken) == 1
