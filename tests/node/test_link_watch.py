"""How often links are measured: so that a cut one is seen in time, and many of them are no burden."""

from __future__ import annotations

from cluster.node.link_watch import LINKS_PER_S, MEASURE_EVERY_S, pause_s

NODES_MAX = 32


def token_s(nodes: int) -> float:
    """Of a cluster as Quire creates it: corosync's default of a second, and 125 ms for each node beyond two."""
    return 1.0 + 0.125 * max(0, nodes - 2)


def test_a_few_links_are_measured_twice_a_second() -> None:
    assert pause_s(0) == pause_s(2) == pause_s(16) == 0.5


def test_the_longest_pause_is_the_same_for_any_number_of_links() -> None:
    assert pause_s(10_000) == max(MEASURE_EVERY_S)


def test_thirty_two_nodes_with_two_links_ask_no_more_than_sixteen_with_two() -> None:
    for nodes in range(2, NODES_MAX + 1):
        links = 2 * (nodes - 1)
        assert links / pause_s(links) <= LINKS_PER_S


def test_a_cut_link_is_seen_within_the_token_s_time_out_and_a_second() -> None:
    """knet has it down after half of that time-out without an answer."""
    for nodes in range(2, NODES_MAX + 1):
        assert token_s(nodes) / 2 + pause_s(2 * (nodes - 1)) <= token_s(nodes) + 1
