"""The drawing: who sees whom, one-way views too, with a level and a word for everything, at any number of nodes."""

from __future__ import annotations

from itertools import combinations

import pytest

from cluster.model import ClusterState, Link, LinkState, NodeState
from datacenter.membership import topology
from tests.supposed import supposed


def cluster(
    count: int, links: int = 2, deaf: set[tuple[int, int, int]] = frozenset(), silent: bool = False
) -> ClusterState:
    """`deaf` are (node, peer, link) of which the node says that it does not hear the peer."""
    numbers = range(1, count + 1)
    nodes = []
    for one in numbers:
        peers = [other for other in numbers if other != one]
        states = tuple(
            LinkState(other, link, (one, other, link) not in deaf) for other in peers for link in range(links)
        )
        addresses = tuple(Link(link, f"10.{link}.0.{one}") for link in range(links))
        nodes.append(
            NodeState(f"n{one}", one, 1, addresses, online=True, since_s=1.0, link_states=() if silent else states)
        )
    return ClusterState("n1", "office", nodes=tuple(nodes))


def test_every_pair_has_a_line_per_link_and_nothing_is_amiss():
    drawing = topology.seen(cluster(3))
    assert len(drawing.lines) == 6 and {line.word for line in drawing.lines} == {"up"}
    assert drawing.summary == "3 of 3 nodes are online. No link is down."


def test_a_view_that_only_one_end_has_is_shown_as_one_way():
    drawing = topology.seen(cluster(3, deaf={(1, 2, 0)}))
    (line,) = drawing.notable
    assert (line.level, line.word) == ("warning", "one way")
    assert line.sentence == "On link 0 n1 does not hear n2; the other way works."


def test_a_link_that_neither_end_hears_is_down_and_one_nobody_told_of_is_unknown():
    assert topology.seen(cluster(2, 1, deaf={(1, 2, 0), (2, 1, 0)})).lines[0].word == "down"
    assert topology.seen(cluster(2, 1, silent=True)).lines[0].level == "unknown"


def test_in_a_large_cluster_only_what_is_not_well_is_drawn_between_nodes():
    drawing = topology.seen(cluster(16, deaf={(3, 9, 1)}))
    assert [line.word for line in drawing.lines] == ["one way"]


@pytest.mark.parametrize("count", [1, 2, 3, 16, 32])
def test_no_two_nodes_lie_on_each_other_and_all_lie_inside(count):
    spots = topology.seen(cluster(count)).spots
    for one, other in combinations(spots, 2):
        assert abs(one.x - other.x) + abs(one.y - other.y) > 24
    assert all(20 < spot.x < topology.WIDTH - 20 and 10 < spot.label_y < topology.HEIGHT for spot in spots)


def test_a_long_name_is_shortened_and_told_whole():
    state = cluster(1)
    name = "a" * 63
    spot = topology.seen(ClusterState(name, "office", nodes=(NodeState(name, 1, 1),))).spots[0]
    assert len(spot.label) == topology.LABEL_CHARS_MAX and name in spot.sentence
    assert state.nodes[0].name == "n1"


@pytest.mark.parametrize("count", [3, 12])
def test_what_would_be_is_drawn_side_by_side(count):
    from cluster.control.supposition_requests import WhatIf

    state = cluster(count)
    answer = supposed(state.nodes, WhatIf(off="n3", split="n1"))
    drawing = topology.supposed(state, answer)
    words = {spot.name: spot.word for spot in drawing.spots}
    assert (words["n1"], words["n3"]) == ("read-only", "off")
    assert words["n2"] == ("read-only" if count == 3 else "goes on")


def test_only_what_is_drawn_makes_the_drawing_anew():
    one, other = cluster(2).nodes[0], cluster(2, deaf={(1, 2, 0)}).nodes[0]
    assert not topology.looks_different(one, cluster(2).nodes[0])
    assert topology.looks_different(one, other)
