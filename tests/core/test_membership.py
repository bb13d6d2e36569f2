"""Group and quorum notices, joined on the ring id: when a view is settled, and when nobody may rely on it."""

import itertools

import pytest

from cluster.core.membership import Membership, View
from cluster.model import Member, Quorum, RingId

FIRST, SECOND, THIRD = RingId(4, 1), RingId(8, 1), RingId(12, 2)
QUORATE = Quorum(True, 3, 3, 2, 3, ("Quorate",))
BLOCKED = Quorum(False, 3, 1, 2, 3)


def members(*node_ids: int) -> tuple[Member, ...]:
    return tuple(Member(node_id, 100 + node_id) for node_id in node_ids)


def settled_membership() -> Membership:
    membership = Membership()
    membership.group_changed(FIRST, members(1, 2, 3))
    membership.quorum_changed(FIRST, (1, 2, 3), QUORATE)
    return membership


def test_nothing_is_known_at_first():
    assert Membership().view == View(None, (), (), None, False)


@pytest.mark.parametrize("order", list(itertools.permutations(["group", "quorum"])))
def test_a_view_settles_once_both_name_the_same_ring_in_either_order(order):
    membership = Membership()
    tell = {
        "group": lambda: membership.group_changed(FIRST, members(1, 2, 3)),
        "quorum": lambda: membership.quorum_changed(FIRST, (1, 2, 3), QUORATE),
    }
    assert not tell[order[0]]().settled
    assert tell[order[1]]() == View(FIRST, (1, 2, 3), (1, 2, 3), QUORATE, True)


def test_quorum_alone_makes_nobody_quorate():
    view = Membership().quorum_changed(FIRST, (1, 2, 3), QUORATE)
    assert view.quorum == QUORATE and not view.quorate


def test_a_new_ring_in_the_group_unsettles_the_view_until_quorum_follows():
    membership = settled_membership()
    between = membership.group_changed(SECOND, members(1))
    assert (between.ring, between.members, between.settled, between.quorate) == (SECOND, (1,), False, False)
    after = membership.quorum_changed(SECOND, (1,), BLOCKED)
    assert after == View(SECOND, (1,), (1,), BLOCKED, True)
    assert not after.quorate


def test_a_new_ring_in_quorum_unsettles_the_view_until_the_group_follows():
    membership = settled_membership()
    between = membership.quorum_changed(SECOND, (1,), BLOCKED)
    assert (between.ring, between.members, between.settled) == (SECOND, (1, 2, 3), False)
    assert membership.group_changed(SECOND, members(1)).settled


def test_quorum_lost_and_found_in_the_same_ring_is_taken_as_told():
    membership = settled_membership()
    assert not membership.quorum_changed(FIRST, (1, 2, 3), BLOCKED).quorate
    assert membership.quorum_changed(FIRST, (1, 2, 3), QUORATE).quorate


def test_a_member_that_leaves_the_group_stays_in_the_ring_and_the_view_settled():
    view = settled_membership().group_changed(FIRST, members(1, 3))
    assert (view.members, view.nodes, view.settled) == ((1, 3), (1, 2, 3), True)


def test_two_rings_of_the_same_sequence_on_two_sides_are_not_the_same_ring():
    membership = Membership()
    membership.group_changed(RingId(8, 1), members(1))
    assert not membership.quorum_changed(RingId(8, 2), (2, 3), QUORATE).settled


def test_notices_of_a_ring_already_left_behind_change_nothing():
    membership = settled_membership()
    membership.group_changed(THIRD, members(2, 3))
    now = membership.quorum_changed(THIRD, (2, 3), QUORATE)
    assert membership.group_changed(SECOND, members(1, 2, 3)) == now
    assert membership.quorum_changed(FIRST, (1,), BLOCKED) == now


def test_a_quorum_notice_behind_the_group_does_not_settle_but_may_still_come():
    membership = settled_membership()
    membership.group_changed(THIRD, members(2, 3))
    behind = membership.quorum_changed(SECOND, (1, 2), QUORATE)
    assert (behind.ring, behind.settled) == (THIRD, False)
    assert membership.quorum_changed(THIRD, (2, 3), QUORATE).settled


def test_the_member_list_is_trusted_sorted_and_once_per_node():
    view = Membership().group_changed(FIRST, (Member(3, 1), Member(1, 9), Member(1, 8)))
    assert view.members == (1, 3)


def test_after_the_engine_is_lost_nothing_is_known_and_a_new_life_may_number_rings_anew():
    membership = settled_membership()
    membership.group_changed(THIRD, members(2, 3))
    assert membership.engine_lost() == View()
    membership.group_changed(FIRST, members(1))
    assert membership.quorum_changed(FIRST, (1,), BLOCKED).settled
