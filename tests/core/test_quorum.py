"""Votes and quorum: tables of what is decided, its flags, its sentences; `test_quorum_layouts.py` is the judge."""

from dataclasses import replace

import pytest

from cluster.core import quorum
from cluster.core.quorum import Options
from cluster.model import Quorum

THREE = {1: 1, 2: 1, 3: 1}
TWO = {1: 1, 2: 1}


@pytest.mark.parametrize(
    ("votes", "present", "total", "needed", "quorate"),
    [
        ({1: 1}, [1], 1, 1, True),
        (TWO, [1, 2], 2, 2, True),
        (TWO, [1], 1, 2, False),
        (THREE, [1, 2, 3], 3, 2, True),
        (THREE, [2, 3], 2, 2, True),
        (THREE, [3], 1, 2, False),
        (dict.fromkeys(range(1, 5), 1), [1, 2], 2, 3, False),
        (dict.fromkeys(range(1, 6), 1), [1, 2, 3], 3, 3, True),
        ({1: 3, 2: 1, 3: 1}, [1], 3, 3, True),
        ({1: 3, 2: 1, 3: 1}, [2, 3], 2, 3, False),
        ({1: 1, 2: 0}, [1], 1, 1, True),
        ({1: 1, 2: 0}, [2], 0, 1, False),
        (THREE, [1, 2, 9], 2, 2, True),
        (THREE, [], 0, 2, False),
        (THREE, [1, 1, 1], 1, 2, False),
    ],
)
def test_more_than_half_of_the_expected_votes_are_quorate(votes, present, total, needed, quorate):
    decided = quorum.decide(votes, present, Options())
    expected = sum(votes.values())
    flags = ("Quorate",) if quorate else ()
    assert decided == Quorum(quorate, expected, total, needed, expected, flags)


@pytest.mark.parametrize(
    ("present", "waiting", "quorate", "goes_on_waiting"),
    [([1, 2], True, True, False), ([1], True, False, True), ([1], False, True, False), ([1, 2], False, True, False)],
)
def test_one_of_two_nodes_is_enough_once_both_were_there(present, waiting, quorate, goes_on_waiting):
    options = Options(two_node=True)
    decided = quorum.decide(TWO, present, options, waiting)
    assert (decided.quorate, decided.quorum) == (quorate, 1)
    assert quorum.still_waiting(TWO, present, options, waiting) == goes_on_waiting
    assert decided.flags == (("2Node", "Quorate", "WaitForAll") if quorate else ("2Node", "WaitForAll"))


def test_two_node_without_wait_for_all_lets_one_node_start_alone():
    options = Options(two_node=True, wait_for_all=False)
    assert quorum.decide(TWO, [2], options, waiting=True).quorate


@pytest.mark.parametrize(("present", "needed"), [([1], 1), ([2, 3], 1), ([1, 2, 3], 2)])
def test_two_node_is_only_off_while_more_than_two_are_present_so_three_nodes_can_split_into_quorate_sides(
    present, needed
):
    decided = quorum.decide(THREE, present, Options(two_node=True))
    assert (decided.quorate, decided.quorum) == (True, needed)


def test_a_majority_that_waits_for_all_is_not_quorate_until_all_were_there_once():
    options = Options(wait_for_all=True)
    assert not quorum.decide(THREE, [1, 2], options, waiting=True).quorate
    assert quorum.decide(THREE, [1, 2, 3], options, waiting=True).quorate
    assert not quorum.still_waiting(THREE, [1, 2, 3], options, waiting=True)
    assert quorum.decide(THREE, [1, 2], options, waiting=False).quorate


@pytest.mark.parametrize(
    ("expected", "present", "needed", "quorate"),
    [(1, [3], 1, True), (1, [1, 2, 3], 2, True), (5, [1, 2], 3, False), (5, [1, 2, 3], 3, True)],
)
def test_expected_votes_can_be_overridden_but_half_of_those_present_is_never_enough(expected, present, needed, quorate):
    decided = quorum.decide(THREE, present, Options(expected_votes=expected))
    assert (decided.expected_votes, decided.quorum, decided.quorate) == (expected, needed, quorate)


def test_a_qdevice_breaks_the_tie_of_two_nodes_for_the_side_it_votes_with():
    ours, theirs = Options(qdevice_votes=1, qdevice_casts=True), Options(qdevice_votes=1)
    assert quorum.decide(TWO, [1], ours) == Quorum(True, 3, 2, 2, 3, ("Quorate", "Qdevice"))
    assert quorum.decide(TWO, [2], theirs) == Quorum(False, 3, 1, 2, 3, ("Qdevice",))


def test_a_qdevice_turns_two_node_off_and_the_wait_for_all_that_comes_with_it():
    options = Options(two_node=True, qdevice_votes=1)
    assert quorum.decide(TWO, [1], options, waiting=True).flags == ("Qdevice",)
    assert quorum.decide(TWO, [1, 2], options, waiting=True).quorate


def test_a_wait_for_all_that_is_written_waits_for_the_qdevice_too():
    options = Options(wait_for_all=True, qdevice_votes=1)
    assert not quorum.decide(TWO, [1, 2], options, waiting=True).quorate
    assert quorum.decide(TWO, [1, 2], replace(options, qdevice_casts=True), waiting=True).quorate


FOUR = dict.fromkeys(range(1, 5), 1)


@pytest.mark.parametrize(
    ("which", "present", "quorate"),
    [("lowest", [1, 2], True), ("lowest", [3, 4], False), ("highest", [3, 4], True), ("9 3 1", [1, 2], False),
     ("9 3 1", [3, 4], True), ("lowest", [1], False)],
)  # fmt: skip
def test_the_tie_breaker_gives_half_of_the_votes_to_one_side(which, present, quorate):
    decided = quorum.decide(FOUR, present, Options(auto_tie_breaker=which))
    assert (decided.quorate, decided.quorum) == (quorate, 3)
    assert any("broken in its favour" in one for one in quorum.explain(FOUR, [1, 2], Options(auto_tie_breaker="1")))


def test_half_that_starts_anew_has_no_tie_to_break():
    assert not quorum.decide(FOUR, [1, 2], Options(auto_tie_breaker="lowest"), before=()).quorate


def test_who_comes_to_expect_more_votes_goes_on_expecting_them():
    options = Options(expected_votes=2)
    assert quorum.decide(FOUR, [1, 2], options, before=FOUR) == quorum.decide(FOUR, [1, 2], Options())
    assert quorum.decide(FOUR, [1, 2], options, before=[1, 2]).quorate


def test_the_last_nodes_standing_come_to_expect_fewer_votes_but_not_fewer_than_two():
    options = Options(last_man_standing=True)
    three = quorum.after_the_window(FOUR, [1, 2, 3], options)
    two = quorum.after_the_window(FOUR, [1, 2], three)
    assert (three.expected_votes, two.expected_votes) == (3, 2)
    assert quorum.after_the_window(FOUR, [1], two) is two
    assert quorum.after_the_window(FOUR, [1, 2], options) is options
    assert quorum.decide(FOUR, [1, 2, 3], three).flags == ("Quorate", "LastManStanding")


def test_a_qdevice_beside_a_tie_breaker_counts_for_nothing():
    options = Options(qdevice_votes=1, qdevice_casts=True, auto_tie_breaker="lowest")
    assert quorum.decide(TWO, [1, 2], options) == Quorum(True, 2, 2, 2, 2, ("Quorate", "AutoTieBreaker"))


NAMES = {1: "alpha", 2: "beta", 3: "gamma"}


def test_a_lost_quorum_is_explained_with_who_is_missing_and_what_would_help():
    assert quorum.explain({1: 1, 2: 1, 3: 2}, [1], Options(), names=NAMES) == (
        "1 vote of 4 present; 3 needed.",
        "The cluster is not quorate.",
        "Missing: beta (1 vote), gamma (2 votes).",
        "2 votes more would make it quorate.",
    )


def test_a_full_cluster_is_explained_in_two_sentences():
    assert quorum.explain(THREE, [1, 2, 3], Options()) == ("3 votes of 3 present; 2 needed.", "The cluster is quorate.")


def test_the_special_rules_are_named_when_they_apply():
    assert "One node is enough, because two_node is on." in quorum.explain(TWO, [1], Options(two_node=True))
    waiting = quorum.explain(TWO, [1], Options(two_node=True), waiting=True)
    assert any("waits for all" in sentence for sentence in waiting)
    assert not any("more would" in sentence for sentence in waiting)
    assert "The QDevice does not give this side its 1 vote." in quorum.explain(TWO, [1], Options(qdevice_votes=1))


def test_nodes_without_a_known_name_are_missing_by_their_id():
    assert "Missing: node 2 (1 vote), node 3 (1 vote)." in quorum.explain(THREE, [1], Options())
