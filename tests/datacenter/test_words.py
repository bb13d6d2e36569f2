"""The one thing to know about a cluster, in a word and a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.model import ClusterState, Link, NodeState, Quorum
from datacenter.membership.words import health, link_numbers, names
from tests.datacenter.fake_daemon import votes


def node(name: str, online: bool | None = True) -> NodeState:
    return NodeState(name, 1, 1, online=online)


def cluster(*nodes: NodeState, quorum: Quorum | None) -> ClusterState:
    return ClusterState("alpha", "office", 3, nodes, quorum)


ALPHA, BETA, GAMMA = node("alpha"), node("beta"), node("gamma")
GONE = replace(GAMMA, online=False)


def test_a_node_on_its_own_is_no_trouble() -> None:
    assert health(ClusterState("alpha")).level == "plain"


def test_all_present_is_good_and_says_how_much_may_be_lost() -> None:
    told = health(cluster(ALPHA, BETA, GAMMA, quorum=votes(3, 3)))
    assert (told.level, told.word) == ("good", "Quorate")
    assert told.sentence == "3 of 3 votes are present, 2 are needed. 1 more vote may be lost."


def test_one_gone_is_a_warning_that_names_it() -> None:
    told = health(cluster(ALPHA, BETA, GONE, quorum=votes(3, 2)))
    assert (told.level, told.word) == ("warning", "gamma is offline")
    assert told.sentence.endswith("No vote may be lost.")


def test_too_few_is_bad_and_says_what_does_not_work_until_when() -> None:
    told = health(cluster(ALPHA, replace(BETA, online=False), GONE, quorum=votes(3, 1)))
    assert (told.level, told.word) == ("bad", "Not quorate")
    assert "Configuration cannot be changed until 1 more vote returns. Offline: beta and gamma." in told.sentence


def test_several_missing_votes_return_in_the_plural() -> None:
    assert "until 2 more votes return." in health(cluster(ALPHA, quorum=votes(5, 1))).sentence


def test_an_engine_that_is_silent_is_unknown_with_its_reason() -> None:
    told = health(replace(cluster(ALPHA, quorum=None), problem="corosync is not running."))
    assert (told.level, told.sentence) == ("unknown", "corosync is not running.")


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "n1"), (2, "n1 and n2"), (3, "n1, n2 and n3"), (5, "n1, n2, n3 and 2 more")],
)
def test_names_are_counted_once_there_are_many(count: int, said: str) -> None:
    assert names([node(f"n{number}") for number in range(1, count + 1)]) == said


def test_the_columns_are_the_links_any_node_has() -> None:
    one, other = replace(ALPHA, links=(Link(0, "a"), Link(3, "b"))), replace(BETA, links=(Link(1, "c"),))
    assert link_numbers(cluster(one, other, quorum=None)) == [0, 1, 3]
