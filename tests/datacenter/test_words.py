"""The links of a cluster as pages count them."""

from __future__ import annotations

from cluster.model import ClusterState, Link, NodeState
from datacenter.membership.words import link_numbers


def test_the_columns_are_the_links_any_node_has() -> None:
    one = NodeState("alpha", 1, 1, (Link(0, "a"), Link(3, "b")))
    other = NodeState("beta", 2, 1, (Link(1, "c"),))
    assert link_numbers(ClusterState("alpha", nodes=(one, other))) == [0, 1, 3]
