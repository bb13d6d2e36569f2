"""How a cluster is, in a word, a sentence and reasons, out of what a node knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cluster.core.health import health, names, quorum_standing
from cluster.model import (
    AlertState,
    ClusterState,
    LinkState,
    LoweredVotes,
    NodeState,
    Quorum,
    Revision,
    StoreState,
)

NOW_S = 1_000_000.0
DAY_S = 86400.0
STORE = StoreState(True, "", Revision(1, 1), "")


def node(name: str, number: int = 1, online: bool | None = True) -> NodeState:
    links = tuple(LinkState(peer, 0, True, 300) for peer in (1, 2, 3) if peer != number) if online else ()
    return NodeState(name, number, 1, online=online, since_s=900.0, link_states=links)


def votes(expected: int, present: int) -> Quorum:
    return Quorum(present > expected // 2, expected, present, expected // 2 + 1)


def cluster(*nodes: NodeState, quorum: Quorum | None) -> ClusterState:
    return ClusterState("alpha", "office", 3, nodes, quorum, store=STORE)


ALPHA, BETA, GAMMA = node("alpha", 1), node("beta", 2), node("gamma", 3)
GONE = replace(node("gamma", 3, online=False))
WELL = cluster(ALPHA, BETA, GAMMA, quorum=votes(3, 3))
ONE_GONE = cluster(ALPHA, BETA, GONE, quorum=votes(3, 2))


def kinds(state: ClusterState, now_s: float = NOW_S) -> list[tuple[str, str]]:
    return [(one.level, one.kind) for one in health(state, now_s).reasons]


def test_when_nothing_is_wrong_one_sentence_says_so_and_what_may_still_be_lost() -> None:
    told = health(WELL, NOW_S)
    assert (told.level, told.word, told.reasons) == ("good", "All is well", ())
    assert told.sentence == (
        "All 3 nodes are online, every link is up. 3 of 3 votes are present, 2 are needed. 1 more vote may be lost."
    )


def test_a_node_on_its_own_is_no_trouble() -> None:
    assert health(ClusterState("alpha", store=STORE), NOW_S).level == "plain"
    assert quorum_standing(ClusterState("alpha")).level == "plain"


def test_a_node_that_is_gone_is_named_with_the_moment_and_what_still_may_be_lost() -> None:
    told = health(ONE_GONE, NOW_S)
    assert (told.level, told.word) == ("warning", "gamma is offline")
    assert told.sentence.startswith("gamma is offline. 2 of 3 votes") and told.sentence.endswith("No vote may be lost.")
    assert told.reasons[0].since_s == 900.0


def test_without_quorum_that_comes_first_and_the_others_are_counted() -> None:
    told = health(cluster(ALPHA, replace(BETA, online=False), GONE, quorum=votes(3, 1)), NOW_S)
    assert (told.level, told.word) == ("bad", "Not quorate")
    assert "Configuration cannot be changed until 1 more vote returns. Offline: beta and gamma." in told.sentence
    assert told.sentence.endswith("There are 2 more reasons.")


def test_several_missing_votes_return_in_the_plural() -> None:
    assert "until 2 more votes return." in quorum_standing(cluster(ALPHA, quorum=votes(5, 1))).sentence


def test_an_engine_that_is_silent_is_unknown_with_its_reason() -> None:
    told = health(replace(cluster(ALPHA, quorum=None), problem="corosync is not running."), NOW_S)
    assert (told.level, told.sentence) == ("unknown", "corosync is not running.")


def test_a_link_that_one_end_does_not_hear_is_one_reason_and_none_beside_a_node_that_is_gone() -> None:
    deaf = replace(ALPHA, link_states=(LinkState(2, 1, False), LinkState(3, 0, True)))
    told = health(cluster(deaf, BETA, GAMMA, quorum=votes(3, 3)), NOW_S)
    assert (told.word, told.reasons[0].sentence) == ("1 link is down", "Down: link 1 between alpha and beta.")
    to_the_gone = replace(ALPHA, link_states=(LinkState(3, 0, False),))
    assert kinds(cluster(to_the_gone, BETA, GONE, quorum=votes(3, 2))) == [("warning", "node")]


def test_a_store_that_cannot_be_written_is_a_reason_of_its_own_only_beside_quorum() -> None:
    shut = replace(STORE, writable=False, reason="It catches up.")
    assert kinds(replace(WELL, store=shut)) == [("warning", "store")]
    assert kinds(replace(cluster(ALPHA, quorum=votes(3, 1)), store=shut)) == [("bad", "quorum")]
    assert kinds(replace(WELL, store=replace(STORE, trouble="The disk fails."))) == [("bad", "store")]
    assert kinds(replace(WELL, store=replace(STORE, lagging=("beta",)))) == [("warning", "lagging")]


@pytest.mark.parametrize(
    ("left_s", "level", "said"),
    [(3.5 * DAY_S, "warning", "ends in 3 days"), (DAY_S, "warning", "ends in 1 day"), (-5.0, "bad", "has ended")],
)
def test_a_certificate_near_its_end(left_s: float, level: str, said: str) -> None:
    told = health(cluster(ALPHA, replace(BETA, certificate_ends_s=NOW_S + left_s), quorum=votes(2, 2)), NOW_S)
    assert (told.level, told.word) == (level, f"The certificate of beta {said}")


def test_clocks_apart_count_from_three_seconds() -> None:
    assert kinds(cluster(ALPHA, replace(BETA, clock_apart_s=2), quorum=votes(2, 2))) == []
    told = health(cluster(ALPHA, replace(BETA, clock_apart_s=-40), quorum=votes(2, 2)), NOW_S)
    assert "The clock of beta is 40 s behind that of alpha." in told.sentence


def test_an_alert_is_a_reason_unless_it_is_silenced_or_said_already() -> None:
    disk = AlertState("disk/beta", "disk", "beta", "The disk of beta is full to 97 %.", 900.0)
    gone = AlertState("node-gone/gamma", "node-gone", "gamma", "gamma is gone.", 900.0)
    assert kinds(replace(WELL, alerts=(disk, gone))) == [("warning", "alert")]
    assert kinds(replace(WELL, alerts=(replace(disk, silenced=True),))) == []


def test_votes_lowered_by_hand_are_said() -> None:
    assert kinds(replace(WELL, lowered=LoweredVotes(1, 3, 2_000_000.0, "root@pam"))) == [("warning", "lowered")]


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "n1"), (2, "n1 and n2"), (3, "n1, n2 and n3"), (5, "n1, n2, n3 and 2 more")],
)
def test_names_are_counted_once_there_are_many(count: int, said: str) -> None:
    assert names([node(f"n{number}") for number in range(1, count + 1)]) == said
