"""What several nodes recorded of one happening is one row, with each node's own view beside the others'."""

from __future__ import annotations

from typing import Any

from datacenter.flight.moments import moments

NODES = [{"name": name, "known": True, "since_s": None} for name in ("alpha", "beta", "gamma")]


def event(node: str, time_s: float, code: str = "node-gone", about: str = "gamma", **more: Any) -> dict[str, Any]:
    plain = {"id": f"{node}-{time_s}", "kind": "membership", "cause": "", "revision": ""}
    return plain | {"node": node, "time": time_s, "code": code, "about": about} | more


def cells(row: Any) -> list[tuple[str, float]]:
    return [(cell.state, round(cell.after_s, 2)) for cell in row.cells]


def test_two_that_saw_the_same_share_a_row_and_who_did_not_see_it_says_so() -> None:
    (row,) = moments([event("beta", 10.5), event("alpha", 10.0, cause="because …")], NODES)
    assert cells(row) == [("recorded", 0.0), ("recorded", 0.5), ("nothing", 0.0)]
    assert row.cause == "because …"


def test_the_same_later_is_another_row_and_so_is_the_same_of_one_node_twice() -> None:
    assert len(moments([event("beta", 20), event("alpha", 10)], NODES)) == 2
    assert len(moments([event("alpha", 10.2), event("alpha", 10)], NODES)) == 2


def test_a_change_is_one_by_its_revision_however_late_a_node_took_it_in() -> None:
    change = {"code": "changed", "about": "a.cfg", "revision": "4.7", "kind": "config"}
    (row,) = moments([event("gamma", 900, **change), event("alpha", 10, **change)], NODES)
    assert cells(row) == [("recorded", 0), ("nothing", 0), ("recorded", 890)]


def test_both_ends_of_a_link_that_went_down_share_a_row() -> None:
    ends = [event("gamma", 10.2, "link-down", "alpha", link=0, kind="link"),
            event("alpha", 10, "link-down", "gamma", link=0, kind="link"),
            event("alpha", 10, "link-down", "gamma", link=1, kind="link")]  # fmt: skip
    assert [len(row.said) for row in moments(ends, NODES)] == [2, 1]


def test_tasks_and_services_of_different_nodes_are_different_rows() -> None:
    found = [event(node, 10, "started", node, kind="node") for node in ("beta", "alpha")]
    assert len(moments(found, NODES)) == 2


def test_what_a_node_that_is_away_saw_is_unknown_from_then_on() -> None:
    nodes = [*NODES[:2], {"name": "gamma", "known": False, "since_s": 50.0}]
    newer, older = moments([event("alpha", 60), event("alpha", 10)], nodes)
    assert (cells(newer)[2][0], cells(older)[2][0]) == ("unknown", "nothing")
