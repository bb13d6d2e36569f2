"""What a link's latency was: means per step, greatest, down, and gaps where nothing was heard."""

from __future__ import annotations

from typing import Any

from cluster.model import LinkState
from cluster.node.link_past import LinkPast

BEGIN_S = 3_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now_s = BEGIN_S

    def __call__(self) -> float:
        return self.now_s


def heard(*said: tuple[float, int | None, bool]) -> tuple[LinkPast, Clock]:
    clock = Clock()
    past = LinkPast(clock)
    for after_s, latency_us, connected in said:
        clock.now_s = BEGIN_S + after_s
        past.hear(1, (LinkState(2, 0, connected, latency_us),))
    return past, clock


def figures(past: LinkPast, frame: str = "hour") -> list[Any]:
    rows = past.rows(1, 2, 0, frame)
    return [("down" if row["down"] else row["latency_us"]) for row in rows if row["latency_us"] or row["down"]]


def test_a_step_has_the_mean_and_the_greatest_of_what_was_told_in_it() -> None:
    past, _ = heard((0, 100, True), (2, 300, True), (31, 900, True))
    rows = past.rows(1, 2, 0, "hour")
    assert [(row["time"], row["latency_us"], row["latency_max_us"]) for row in rows[-2:]] == [
        (BEGIN_S, 200, 300), (BEGIN_S + 30, 900, 900)
    ]  # fmt: skip
    assert len(rows) == 120 and rows[0]["latency_us"] is None
    assert [row["latency_us"] for row in past.rows(1, 2, 0, "day")[-1:]] == [433]


def test_a_step_in_which_the_link_was_down_says_so_whatever_else_was_told() -> None:
    past, _ = heard((0, 100, True), (2, None, False), (4, 100, True), (30, 200, True))
    assert figures(past) == ["down", 200]


def test_a_link_that_comes_up_with_the_daemon_was_not_down() -> None:
    past, _ = heard((0, None, False), (2, 300, True))
    assert figures(past) == [300]
    assert figures(heard((0, None, False), (2, None, False))[0]) == ["down"]  # it never came


def test_only_the_step_in_which_a_link_came_up_forgets_that_it_was_coming() -> None:
    past, _ = heard((0, None, False), (31, None, False), (33, 300, True))
    assert figures(past) == ["down", 300]
    assert figures(past, "day") == [300]


def test_what_nobody_told_is_a_gap_and_old_steps_go() -> None:
    past, clock = heard((0, 100, True), (90, 200, True))
    assert [row["latency_us"] for row in past.rows(1, 2, 0, "hour")[-4:]] == [100, None, None, 200]
    past.hear(1, (LinkState(2, 0, True, None),))
    clock.now_s += 3600
    assert figures(past) == []
    past.hear(1, (LinkState(2, 0, True, 700),))
    assert figures(past) == [700]


def test_the_other_direction_is_another_line_and_a_removed_node_is_forgotten() -> None:
    past, _ = heard((0, 100, True))
    assert all(row["latency_us"] is None for row in past.rows(2, 1, 0, "hour"))
    past.forget(frozenset({2}))
    assert figures(past) == []
