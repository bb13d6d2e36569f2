"""In a large cluster figures travel together, at most every half second; what matters more goes at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cluster.control.requests import as_plain
from cluster.model import Change, ClusterState, Revision, Sample, StoreState
from datacenter.live.gathering import GATHER_S, Gathered
from datacenter.live.picture import Picture, after
from tests.datacenter.fake_daemon import node_state, votes

SMALL, LARGE = 9, 10
WRITABLE = StoreState(True, "", Revision(1, 1), "")


class Shown:
    """What is known and what waits to be pushed, with a clock that is set by hand."""

    def __init__(self, count: int) -> None:
        nodes = tuple(node_state(f"n{number}", number, 1e9) for number in range(1, count + 1))
        self.picture = Picture("life", 7, ClusterState("n1", "office", 2, nodes, votes(count, count), store=WRITABLE))
        self.gathered = Gathered()

    def change(self, topic: str, value: Any, at_s: float) -> float | None:
        change = Change(self.picture.number + 1, topic, as_plain(value), at_s)
        before, self.picture = self.picture, after(self.picture, change)
        self.gathered.add(before, self.picture, change, at_s)
        return self.gathered.left_s(at_s)

    def figures(self, number: int, at_s: float) -> float | None:
        node = self.picture.cluster.nodes[number]
        return self.change("node", replace(node, sample=Sample(at_s, {"cpu": 0.5})), at_s)


def test_in_a_small_cluster_every_change_goes_by_itself() -> None:
    shown = Shown(SMALL)
    for turn in range(3):
        assert shown.figures(turn, 100.0 + turn / 100) == 0
        before, changes = shown.gathered.take(100.0 + turn / 100)
        assert before is not None and [change.number for change in changes] == [8 + turn]


def test_in_a_large_one_the_first_goes_at_once_and_the_next_wait_for_each_other() -> None:
    shown = Shown(LARGE)
    assert shown.figures(0, 100.0) == 0
    shown.gathered.take(100.0)
    assert shown.figures(1, 100.125) == pytest.approx(GATHER_S - 0.125)
    assert shown.figures(2, 100.25) == pytest.approx(GATHER_S - 0.25)
    before, changes = shown.gathered.take(100.0 + GATHER_S)
    assert before is not None and before.number == 8 and [change.number for change in changes] == [9, 10]
    assert shown.gathered.left_s(101.0) is None


@pytest.mark.parametrize("lost", ["node", "store", "task"])
def test_what_matters_more_goes_at_once_and_takes_along_what_waits(lost: str) -> None:
    shown = Shown(LARGE)
    shown.figures(0, 100.0)
    shown.gathered.take(100.0)
    shown.figures(1, 100.01)
    value = {
        "node": replace(shown.picture.cluster.nodes[3], online=False),
        "store": replace(WRITABLE, writable=False, reason="no quorum"),
        "task": {"upid": "UPID:n1:1", "node": "n1", "pid": 1, "pstart": 1, "start_time_s": 100, "type": "leave",
                 "id": "", "user": "root@pam"},
    }[lost]  # fmt: skip
    assert shown.change(lost, value, 100.02) == 0
    assert len(shown.gathered.take(100.02)[1]) == 2


def test_a_store_that_is_only_written_to_may_wait() -> None:
    shown = Shown(LARGE)
    shown.figures(0, 100.0)
    shown.gathered.take(100.0)
    assert shown.change("store", replace(WRITABLE, revision=Revision(1, 2)), 100.1) != 0


def test_a_snapshot_makes_what_waits_superfluous() -> None:
    shown = Shown(LARGE)
    shown.figures(0, 100.0)
    shown.gathered.drop()
    assert shown.gathered.left_s(100.0) is None
