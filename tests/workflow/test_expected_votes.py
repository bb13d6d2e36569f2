"""What expecting fewer votes would mean, and when it is refused."""

from __future__ import annotations

import pytest

from cluster.errors import Conflict, InvalidInput
from cluster.model import Node, Quorum
from cluster.workflow.expected_votes import check_plan, lasts_s, plan_expected

NODES = tuple(Node(name, number, 1) for number, name in enumerate(("alpha", "beta", "gamma"), 1))
ALONE = Quorum(False, 3, 1, 2, 3)


def test_a_survivor_would_be_quorate_and_the_store_read_only_all_the_same() -> None:
    plan = plan_expected(NODES, ALONE, [1], {}, 1)
    assert (plan.needed_votes, plan.quorate, plan.configured_votes) == (1, True, 3)
    assert [one.node for one in plan.absent] == ["beta", "gamma"]
    assert "stays read-only all the same" in " ".join(plan.sentences)
    assert "beta, gamma are certainly switched off" in plan.sentences[-1]
    check_plan(plan, force=False)


def test_too_many_expected_votes_change_nothing() -> None:
    plan = plan_expected(NODES, ALONE, [1], {}, 2)
    assert (plan.needed_votes, plan.quorate) == (2, False)


def test_a_node_that_answers_is_not_off_and_only_force_goes_on() -> None:
    plan = plan_expected(NODES, ALONE, [1], {"gamma": ("10.0.0.3",)}, 1)
    with pytest.raises(Conflict, match="gamma answers at 10.0.0.3"):
        check_plan(plan, force=False)
    check_plan(plan, force=True)
    check_plan(plan_expected(NODES, ALONE, [1], {"gamma": ("10.0.0.3",)}, 3), force=False)  # as configured: always


@pytest.mark.parametrize("votes", [0, -1, 4])
def test_votes_that_nobody_has_cannot_be_expected(votes: int) -> None:
    with pytest.raises(InvalidInput, match="from 1 to 3"):
        plan_expected(NODES, ALONE, [1], {}, votes)


def test_it_lasts_a_minute_to_a_day() -> None:
    assert lasts_s(600) == 600
    for seconds in (0, 59, 24 * 3600 + 1):
        with pytest.raises(InvalidInput):
            lasts_s(seconds)
