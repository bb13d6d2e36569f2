"""All members of a view choose alike: the longest history of the latest epoch, where a majority is present."""

from __future__ import annotations

from itertools import permutations

import pytest

from cluster.core.events import HistoryFetched
from cluster.core.log import FIRST, chained
from cluster.core.messages import InForce, Point, State
from cluster.core.snapshot import Snapshot
from cluster.core.sync import EPOCHS_PER_RING, Choice, Impasse, choose, fits, in_force

UUID = "lineage"
THREE = {1: 1, 2: 1, 3: 1}


def state(
    epoch: int = 0,
    index: int = 0,
    *,
    promised: int = 0,
    blank: bool = False,
    uuid: str = UUID,
    commit: int = 0,
    electorates: tuple[InForce, ...] = (InForce(0, THREE),),
) -> State:
    point = Point(epoch, index, b"%d.%d" % (epoch, index))
    return State(b"v", uuid, blank, point, promised, Point(0, commit, b"c"), electorates, f"contact of {index}")


def chosen(states: dict[int, State], ring_sequence: int = 1) -> Choice:
    outcome = choose(states, UUID, ring_sequence)
    assert isinstance(outcome, Choice)
    return outcome


def test_the_longest_history_is_the_source_and_the_lowest_node_among_equals() -> None:
    assert chosen({1: state(5, 7), 2: state(5, 9), 3: state(5, 8)}).source == 2
    assert chosen({3: state(5, 9), 2: state(5, 9), 1: state(5, 8)}).source == 2


def test_a_later_epoch_counts_more_than_a_longer_log() -> None:
    choice = chosen({1: state(5, 900), 2: state(6, 9)})
    assert (choice.source, choice.want, choice.contact) == (2, Point(6, 9, b"6.9"), "contact of 9")


def test_having_promised_much_does_not_make_a_source() -> None:
    assert chosen({1: state(5, 9), 2: state(5, 8, promised=1 << 50)}).source == 1


def test_everyone_chooses_alike_in_whatever_order_they_heard() -> None:
    states = {1: state(5, 7, promised=3), 2: state(6, 2), 3: state(6, 2, promised=9)}
    outcomes = [choose(dict(order), UUID, 4) for order in permutations(states.items())]
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_the_epoch_is_the_ring_s_or_greater_than_any_that_was_promised() -> None:
    assert chosen({1: state(), 2: state()}, ring_sequence=8).epoch == 8 * EPOCHS_PER_RING
    promised = 9 * EPOCHS_PER_RING + 3
    assert chosen({1: state(), 2: state(promised=promised)}, ring_sequence=8).epoch == promised + 1
    assert chosen({1: state(), 2: state(), 9: state(promised=promised, blank=True)}).epoch == promised + 1


@pytest.mark.parametrize(
    ("states", "votes"),
    [
        ({1: state()}, (1, 2)),
        ({1: state(), 9: state()}, (1, 2)),
        ({1: state(), 2: state(blank=True)}, (1, 2)),
        ({1: state(), 2: state(uuid="another"), 3: state(uuid="another")}, (1, 2)),
    ],
    ids=["one of three", "with a stranger", "with a blank one", "with another cluster"],
)
def test_without_a_majority_of_holders_there_is_no_choice(states: dict[int, State], votes: tuple[int, int]) -> None:
    outcome = choose(states, UUID, 1)
    assert isinstance(outcome, Impasse) and (outcome.present_votes, outcome.needed_votes) == votes


def test_without_anyone_who_has_the_store_there_is_no_choice() -> None:
    assert choose({1: state(blank=True), 2: state(uuid="x")}, UUID, 1) == Impasse(
        "No node that is present has the cluster's store yet."
    )


def test_the_source_s_electorates_decide_all_that_are_in_force() -> None:
    growing = (InForce(3, THREE), InForce(8, {**THREE, 4: 1}))
    states = {1: state(5, 7), 2: state(6, 9, electorates=growing)}
    assert isinstance(choose(states, UUID, 1), Impasse)
    assert chosen({**states, 4: state()} | {3: state()}).electorates == (THREE, {**THREE, 4: 1})


def test_an_electorate_that_somebody_knows_to_be_past_does_not_count() -> None:
    shrinking = (InForce(3, THREE), InForce(8, {1: 1, 2: 1}), InForce(9, {1: 1}))
    assert isinstance(choose({1: state(6, 9, electorates=shrinking)}, UUID, 1), Impasse)
    known = {1: state(6, 9, electorates=shrinking), 9: state(6, 9, commit=9)}
    assert chosen(known).electorates == ({1: 1},) and chosen(known).committed.index == 9
    assert in_force(shrinking, 8) == ({1: 1, 2: 1}, {1: 1})
    assert in_force(shrinking, 2) == in_force(shrinking, 7) == (THREE, {1: 1, 2: 1}, {1: 1})


def test_a_commit_beyond_the_source_s_log_is_not_believed() -> None:
    assert chosen({1: state(6, 9, commit=4), 2: state(5, 3, commit=99)}).committed.index == 4


# --- histories --------------------------------------------------------------------------------------------------------

ONE = chained(FIRST, 5, b"1")
TWO = chained(ONE.point, 5, b"2")
START = chained(TWO.point, 7, b"start")
LATER = chained(START.point, 7, b"later")
NEXT_EPOCH = chained(START.point, 8, b"start")


def fetched(common: Point | None = None, snapshot: Point | None = None, *entries: object) -> HistoryFetched:
    return HistoryFetched(7, common, Snapshot(snapshot) if snapshot is not None else None, entries)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("event", "good"),
    [
        (fetched(FIRST, None, ONE, TWO), True),
        (fetched(ONE.point, None, TWO), False),
        (fetched(FIRST, None, ONE), False),
        (fetched(FIRST, None, TWO), False),
        (fetched(FIRST, None, ONE, TWO, START), False),
        (fetched(None, TWO.point), True),
        (fetched(None, ONE.point, TWO), True),
        (fetched(None, ONE.point), False),
        (fetched(None, START.point), True),
        (fetched(None, START.point, LATER), True),
        (fetched(None, NEXT_EPOCH.point), False),
        (fetched(None, START.point, NEXT_EPOCH), False),
        (fetched(None, Point(5, 2, b"another history")), False),
        (fetched(None, None, ONE, TWO), False),
    ],
)
def test_a_history_leads_from_what_we_have_to_what_was_chosen(event: HistoryFetched, good: bool) -> None:
    assert fits(event, TWO.point, 7, (FIRST,)) is good
