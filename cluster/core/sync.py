"""Who is ahead, and what each member lacks: the choice every member of a view makes alike from the same States.

The source is the longest history, by (epoch of the last entry, index): an epoch is promised by a majority on disk
before anybody writes in it, so a minority, an old database or a restored backup cannot be ahead. Pure arithmetic; what
is done with a choice is `replica.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cluster.core import electorate as votes
from cluster.core.events import HistoryFetched
from cluster.core.log import is_chain
from cluster.core.messages import InForce, Point, State

EPOCHS_PER_RING = 1 << 20  # regroupings within one ring; the ring's sequence is the upper part of an epoch


@dataclass(frozen=True, slots=True)
class Choice:
    """The outcome of a view's States: install `epoch` on the history that ends at `want`, as node `source` has it.

    Somebody knows that it is committed up to `committed`; those who do not could perhaps never find out by themselves,
    because the votes that once decided it are gone.
    """

    source: int
    contact: str
    want: Point
    committed: Point
    epoch: int
    electorates: tuple[dict[int, int], ...]
    present_votes: int
    needed_votes: int


@dataclass(frozen=True, slots=True)
class Impasse:
    """Nobody may write in this view; `reason` is a sentence."""

    reason: str
    present_votes: int = 0
    needed_votes: int = 0


def choose(states: Mapping[int, State], uuid: str, ring_sequence: int) -> Choice | Impasse:
    """Choose from the States of one view. Nodes of another cluster do not count.

    A majority must be there to write. What was committed must be known from those that have a store: a blank one votes,
    but has forgotten what it kept.
    """
    ours = {node_id: state for node_id, state in states.items() if state.uuid == uuid}
    holders = {node_id: state for node_id, state in ours.items() if not state.blank}
    if not holders:
        return Impasse("No node that is present has the cluster's store yet.")
    source = max(holders, key=lambda node_id: (holders[node_id].last.epoch, holders[node_id].last.index, -node_id))
    reach = holders[source].last.index
    committed = max(
        (one.commit for one in holders.values() if one.commit.index <= reach), key=lambda point: point.index
    )
    electorates = in_force(holders[source].electorates, committed.index)
    present, needed = votes.present(electorates[-1], holders), votes.needed(electorates[-1])
    enough = votes.is_majority_of_all(electorates, ours) and votes.all_see_what_a_majority_kept(electorates, holders)
    if not enough:
        return Impasse(f"{present} of the {needed} votes needed to write are present.", present, needed)
    highest = max(state.promised for state in ours.values())
    epoch = max(ring_sequence * EPOCHS_PER_RING, highest + 1)
    chosen, present = holders[source], votes.present(electorates[-1], ours)
    return Choice(source, chosen.contact, chosen.last, committed, epoch, electorates, present, needed)


def in_force(electorates: Sequence[InForce], committed: int) -> tuple[dict[int, int], ...]:
    """The one that counts at a committed index, and those that would count after it."""
    past = sum(1 for one in electorates[1:] if one.since <= committed)
    return tuple(one.votes for one in electorates[past:])


def fits(fetched: HistoryFetched, want: Point, epoch: int, ours: tuple[Point, ...]) -> bool:
    """Does a fetched history lead from something we have, or from a whole snapshot, to where it should?

    A snapshot may be past `want`, where the source has gone on writing in this epoch. When it is of another epoch, the
    source is in a later view, and this one is over.
    """
    start = fetched.snapshot.point if fetched.snapshot is not None else fetched.common
    if start is None or (fetched.snapshot is None and start not in ours) or not is_chain(start, fetched.entries):
        return False
    reached = fetched.entries[-1].point if fetched.entries else start
    gone_on = fetched.snapshot is not None and start.index > want.index and start.epoch == reached.epoch == epoch
    return reached == want or gone_on
