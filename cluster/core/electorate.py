"""Whose votes count, and what a majority of them is. Arithmetic only: no messages, no state.

The voters are the nodes of the committed nodelist that have completed their first synchronisation: a newcomer learns
before it votes. A change of voters needs a majority of the old *and* of the new, and changes one node at a time
(docs/decisions has the reasons).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

Electorate = Mapping[int, int]  # node id → votes


def needed(electorate: Electorate) -> int:
    """The smallest number of votes that is more than half."""
    return sum(electorate.values()) // 2 + 1


def present(electorate: Electorate, nodes: Collection[int]) -> int:
    return sum(votes for node_id, votes in electorate.items() if node_id in nodes)


def is_majority(electorate: Electorate, nodes: Collection[int]) -> bool:
    return bool(electorate) and present(electorate, nodes) >= needed(electorate)


def is_majority_of_all(electorates: Collection[Electorate], nodes: Collection[int]) -> bool:
    return bool(electorates) and all(is_majority(electorate, nodes) for electorate in electorates)


def sees_what_a_majority_kept(electorate: Electorate, nodes: Collection[int]) -> bool:
    """Is there no majority without one of these nodes? Then whatever a majority once kept, one of them has."""
    others = sum(electorate.values()) - present(electorate, nodes)
    return bool(electorate) and others < needed(electorate)


def all_see_what_a_majority_kept(electorates: Collection[Electorate], nodes: Collection[int]) -> bool:
    return bool(electorates) and all(sees_what_a_majority_kept(electorate, nodes) for electorate in electorates)


def index_held_by_majority(electorate: Electorate, held: Mapping[int, int]) -> int:
    """The highest index that a majority of the votes holds; `held` is node id → index. 0 when there is none."""
    votes = 0
    for index, node_id in sorted(((held.get(node_id, 0), node_id) for node_id in electorate), reverse=True):
        votes += electorate[node_id]
        if votes >= needed(electorate):
            return index
    return 0


def next_step(current: Electorate, configured: Electorate, ready: Collection[int]) -> dict[int, int] | None:
    """The next electorate on the way to the configured one, one node changed; None when there is nothing to do.

    Nodes that left the configuration go first, then new weights, then newcomers in `ready` come in.
    """
    after = dict(current)
    for node_id in sorted(current):
        if node_id not in configured and len(current) > 1:
            del after[node_id]
            return after
    for node_id in sorted(configured):
        votes = configured[node_id]
        if node_id in current and votes != current[node_id]:
            after[node_id] = votes
            return after
        if node_id not in current and node_id in ready:
            after[node_id] = votes
            return after
    return None
