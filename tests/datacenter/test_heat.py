"""Latencies by how far they are from wanted: cells, maps of large clusters, and the chart of the past."""

from __future__ import annotations

import pytest

from cluster.model import ClusterState, Link, LinkState, NodeState
from datacenter.membership import heat, link_cells
from datacenter.membership.latency_chart import chart
from tests.datacenter.conftest import Visitor, text
from tests.datacenter.fake_daemon import FakeDaemon


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (LinkState(2, 0, True, 4_999), "cool"),
        (LinkState(2, 0, True, 5_000), "warm"),
        (LinkState(2, 0, True, 10_000), "warm"),
        (LinkState(2, 0, True, 10_001), "hot"),
        (LinkState(2, 0, False, 300), "down"),
        (LinkState(2, 0, True), "unknown"),
        (None, "unknown"),
    ],
)
def test_heat_changes_at_5_and_10_ms(state: LinkState | None, found: str) -> None:
    assert link_cells.heat(state) == found


def large(**heard: LinkState) -> ClusterState:
    nodes = tuple(
        NodeState(
            f"n{number}", number, 1, (Link(0, f"10.0.0.{number}"),), online=True,
            link_states=tuple(
                heard.get(f"n{number}_{peer}", LinkState(peer, 0, True, 300)) for peer in range(1, 13) if peer != number
            ),
        )
        for number in range(1, 13)
    )  # fmt: skip
    return ClusterState("n1", "office", 1, nodes)


def test_a_large_cluster_has_a_map_per_link_with_a_square_per_direction() -> None:
    (found,) = heat.maps(large(n1_2=LinkState(2, 0, True, 7_000), n2_1=LinkState(1, 0, False)))
    squares = dict(found.squares)
    assert (squares["warm"], squares["down"]) == ("M10 0h9v9h-9z", "M0 10h9v9h-9z")
    assert squares["cool"].count("M") == 12 * 11 - 2
    assert [(pair.node, pair.peer, pair.word) for pair in found.notable] == [
        ("n2", "n1", "down"),
        ("n1", "n2", "7.00 ms"),
    ]
    assert found.sentence == "Link 0: 2 of the pairs are at 5 ms or more, or down."
    assert set(dict(found.marks)) == {"warm", "down"}  # never by colour alone


def test_a_map_is_another_only_when_a_square_is() -> None:
    before, same = large().nodes[0], large(n1_2=LinkState(2, 0, True, 350)).nodes[0]
    assert not heat.looks_different(before, same)
    assert heat.looks_different(before, large(n1_2=LinkState(2, 0, True, 5_350)).nodes[0])


def test_a_small_cluster_needs_no_map_beside_its_tables() -> None:
    assert heat.maps(ClusterState("n1", "office", nodes=large().nodes[:3])) == []


def row(time: int, latency_us: int | None, down: bool = False) -> dict[str, object]:
    return {"time": time, "latency_us": latency_us, "latency_max_us": latency_us, "down": down}


def test_the_chart_has_both_directions_gaps_and_the_lines_it_reaches() -> None:
    there = [row(0, 4_000), row(30, None, True), row(60, 8_000)]
    back = [row(0, 4_000), row(30, 4_000), row(60, 4_000)]
    found = chart(there, back)
    assert found.there.count("M") == 2 and found.back.count("M") == 1
    assert found.down == ((150.0, 300.0),)
    assert [words for _, words, _ in found.lines] == ["5 ms", "10 ms"]
    assert found.sentence == "Between 4.00 ms and 8.00 ms, 4.80 ms on average. Down in 1 of the steps."
    assert [words for _, words, _ in chart([row(0, 300)], [row(0, 300)]).lines] == ["0.25 ms"]


async def test_the_past_of_a_link_is_a_dialog_with_a_chart_and_a_table(visitor: Visitor, daemon: FakeDaemon) -> None:
    daemon.form(3)
    page = text(await visitor.get("/datacenter/cluster/links/history?node=beta&peer=gamma&link=1"))
    assert "beta → gamma" in page and "0.31 ms" in page and "<option selected>beta</option>" in page
    assert "5.20 ms" in page  # the other direction
    first = text(await visitor.get("/datacenter/cluster/links/history"))
    assert "alpha → beta" in first
