"""What could be arranged better although nothing is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.core.advice import advice
from cluster.model import ClusterState, Link, NodeState, Quorum

NOW_S = 1_000_000.0
DAY_S = 86400.0


def node(number: int) -> NodeState:
    links = (Link(0, f"10.0.0.{number}"), Link(1, f"10.0.1.{number}"))
    return NodeState(f"n{number}", number, 1, links, online=True, version="1.0", certificate_ends_s=NOW_S + 500 * DAY_S)


def cluster(count: int, *flags: str) -> ClusterState:
    nodes = tuple(node(number) for number in range(1, count + 1))
    return ClusterState("n1", "office", 3, nodes, Quorum(True, count, count, count // 2 + 1, flags=flags))


def with_second(state: ClusterState, second: NodeState) -> ClusterState:
    return replace(state, nodes=(state.nodes[0], second, *state.nodes[2:]))


def codes(state: ClusterState, now_s: float = NOW_S) -> list[str]:
    return [one.code for one in advice(state, now_s)]


@pytest.mark.parametrize(
    ("count", "found"),
    [(1, []), (2, ["two-nodes"]), (3, []), (4, ["even-votes"]), (5, []), (6, ["even-votes"])],
)
def test_an_even_number_of_votes_is_advised_against(count: int, found: list[str]) -> None:
    assert codes(cluster(count)) == found
    assert codes(cluster(count, "Qdevice")) == []  # a witness makes them uneven


def test_a_node_on_its_own_is_given_no_advice() -> None:
    assert codes(ClusterState("n1", nodes=(node(1),))) == []


def test_one_link_only_names_the_nodes_unless_it_is_all_of_them() -> None:
    lone = replace(node(2), links=(Link(0, "10.0.0.2"),))
    (told,) = advice(with_second(cluster(3), lone), NOW_S)
    assert (told.code, told.sentence) == ("one-link", "n2 has one link only: where it fails, nodes are lost.")
    all_lone = replace(cluster(3), nodes=tuple(replace(one, links=one.links[:1]) for one in cluster(3).nodes))
    assert advice(all_lone, NOW_S)[0].sentence.startswith("Every node has one link only")


@pytest.mark.parametrize(
    ("addresses", "found"),
    [
        (("10.0.0.2", "10.0.0.102"), ["shared-network"]),
        (("10.0.0.2", "10.0.1.2"), []),
        (("fd00::2", "fd00::102"), ["shared-network"]),
        (("fd00::2", "fd00:0:0:1::2"), []),
        (("beta", "beta-storage"), []),
        (("127.0.0.2", "127.0.0.3"), []),
    ],
)
def test_links_that_look_to_be_in_one_network(addresses: tuple[str, str], found: list[str]) -> None:
    links = tuple(Link(number, address) for number, address in enumerate(addresses))
    assert codes(with_second(cluster(3), replace(node(2), links=links))) == found


def test_uneven_versions_say_which_node_runs_which() -> None:
    (told,) = advice(with_second(cluster(3), replace(node(2), version="0.9")), NOW_S)
    assert told.sentence == "The nodes run different versions: 0.9 on n2, 1.0 on n1, n3."
    assert codes(with_second(cluster(3), replace(node(2), version=""))) == []  # not told yet


def test_a_certificate_that_was_not_renewed_in_time() -> None:
    (told,) = advice(with_second(cluster(3), replace(node(2), certificate_ends_s=NOW_S + 20 * DAY_S)), NOW_S)
    assert told.sentence == "The certificate of n2 ends in 20 days."


def test_clocks_apart_name_the_nodes_that_are_there() -> None:
    (told,) = advice(with_second(cluster(3), replace(node(2), clock_apart_s=9)), NOW_S)
    assert told.code == "clocks" and "The clock of n2 is up to 9 s" in told.sentence
    assert codes(with_second(cluster(3), replace(node(2), clock_apart_s=9, online=False))) == []
