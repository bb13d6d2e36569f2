"""Whom a QDevice would vote for: the largest side, and of equal ones that with the tie breaker."""

import pytest

from cluster.core.witness import Witness, favoured


@pytest.mark.parametrize(
    ("sides", "tie_breaker", "place"),
    [
        ([{1, 2}, {3}], "lowest", 0),
        ([{3}, {1, 2}], "highest", 1),
        ([{1, 2}, {3, 4}], "lowest", 0),
        ([{1, 2}, {3, 4}], "highest", 1),
        ([{1, 2}, {3, 4}], "3", 1),
        ([{2, 5}, {3, 4}, {1}], "lowest", 0),
        ([{1}], "lowest", 0),
        ([], "lowest", None),
        ([set()], "lowest", None),
    ],
)
def test_the_largest_side_gets_the_vote_and_the_tie_breaker_decides_between_equals(sides, tie_breaker, place):
    assert favoured(sides, Witness(tie_breaker=tie_breaker)) == place
