"""When nodes that were alive did not see each other, and when it only looked like it."""

from __future__ import annotations

from cluster.flight.causes import Placed
from cluster.flight.partings import Part, partings
from cluster.flight.recorded import Recorded

ALL = ("alpha", "beta", "gamma")


def sees(node: str, time_s: float, names: tuple[str, ...], quorate: bool | None = True) -> Placed:
    return Placed(node, Recorded("membership", "node-gone", sees=names, quorate=quorate, time_s=time_s))


def ended(node: str, time_s: float, code: str = "stopped") -> Placed:
    return Placed(node, Recorded("node", code, node, time_s=time_s))


TOGETHER = [sees(name, 1, ALL) for name in ALL]
PAIR = [sees("alpha", 10, ("alpha", "beta")), sees("beta", 10.1, ("alpha", "beta"))]
MINORITY = [sees("gamma", 10.2, ("gamma",), False)]


def test_a_split_is_told_with_who_was_where_and_who_had_quorum() -> None:
    (one,) = partings([*TOGETHER, *PAIR, *MINORITY])
    assert (one.from_s, one.to_s) == (10.2, None)
    assert one.parts == (Part(("alpha", "beta"), True), Part(("gamma",), False))


def test_it_ends_when_they_see_each_other_again() -> None:
    healed = [sees(name, 20 + place / 10, ALL) for place, name in enumerate(ALL)]
    (one,) = partings([*TOGETHER, *PAIR, *MINORITY, *healed])
    assert one.to_s == 20.1  # beta was the last of the pair to see gamma


def test_a_node_that_died_saw_them_to_the_end_and_was_in_no_part() -> None:
    assert partings([*TOGETHER, *PAIR]) == ()
    assert partings([*TOGETHER, *PAIR, *MINORITY, ended("gamma", 10.3)]) == ()


def test_a_node_that_begins_has_seen_nobody_yet() -> None:
    assert partings([*TOGETHER, *PAIR, ended("gamma", 12, "started-unclean")]) == ()


def test_one_that_was_told_in_short_pieces_is_no_shorter_for_it() -> None:
    """Members and quorum change a moment apart, which makes pieces of one time of parts."""
    apart = [sees("alpha", 10, ("alpha", "beta")), sees("beta", 10, ("alpha", "beta")), sees("gamma", 10, ("gamma",))]
    healed = [sees(name, 10.7, ALL) for name in ALL]
    (one,) = partings([*TOGETHER, *apart, sees("gamma", 10.3, ("gamma",), False), *healed])
    assert (one.from_s, one.to_s) == (10, 10.7)
    assert one.parts == (Part(("alpha", "beta"), True), Part(("gamma",), False))


def test_what_is_over_in_a_moment_is_none() -> None:
    healed = [sees(name, 10.6, ALL) for name in ALL]
    assert partings([*TOGETHER, *PAIR, *MINORITY, *healed]) == ()


def test_the_newest_comes_first() -> None:
    healed = [sees(name, 20, ALL) for name in ALL]
    again = [
        sees("alpha", 30, ("alpha",), False),
        sees("beta", 30, ("beta", "gamma")),
        sees("gamma", 30, ("beta", "gamma")),
    ]
    first, second = partings([*TOGETHER, *PAIR, *MINORITY, *healed, *again])
    assert (first.from_s, second.from_s) == (30, 10.2)
    assert first.parts == (Part(("alpha",), False), Part(("beta", "gamma"), True))
