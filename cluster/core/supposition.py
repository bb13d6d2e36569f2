"""What would be if nodes or links were off, or the nodes no longer saw each other: which sides there would be.

Pure: a configuration and a supposition in, `Side`s out, reckoned by `quorum.py` (what corosync would say) and by
`electorate.py` (what our store would say, for which a witness counts for nothing). Nothing is touched. Nodes whose
links reach some members of a side and not others make a side that cannot be foretold. What it means in words is
`supposition_words.py`; how one is typed, `supposition_text.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cluster.core import electorate, quorum
from cluster.core.quorum import Options
from cluster.core.witness import Witness, favoured
from cluster.model import Node


@dataclass(frozen=True, slots=True)
class Configured:
    """What corosync.conf says of votes and who has them."""

    nodes: tuple[Node, ...]
    options: Options = field(default_factory=Options)
    witness: Witness | None = None

    @property
    def votes(self) -> dict[int, int]:
        return {node.node_id: node.votes for node in self.nodes}


@dataclass(frozen=True, slots=True)
class Supposition:
    """`off` are nodes by name. `split` are groups that do not see each other; nodes in none of them stay together.
    `links_off` are link numbers, by the node whose end is off, or under "" for all. `anew`: every node has just
    started, as after a power cut."""

    off: frozenset[str] = frozenset()
    split: tuple[frozenset[str], ...] = ()
    links_off: Mapping[str, frozenset[int]] = field(default_factory=dict)
    witness_off: bool = False
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """Nodes that would see each other. `quorate` and `writable` are None where that cannot be foretold: `apart` are
    the pairs of its nodes without a link between them. `complete`: has one of its nodes whatever was acknowledged?"""

    nodes: tuple[str, ...]
    votes: int
    expected_votes: int
    needed_votes: int
    witness: bool
    quorate: bool | None
    writable: bool | None
    store_votes: int
    store_needed: int
    complete: bool
    waits_for_all: bool = False
    apart: tuple[tuple[str, str], ...] = ()

    @property
    def spare_votes(self) -> int:
        """How many more may be lost before nothing can be written."""
        return max(0, self.store_votes - self.store_needed)


@dataclass(frozen=True, slots=True)
class Supposed:
    """The sides, the one with the most votes first, and the nodes that would be off."""

    sides: tuple[Side, ...]
    off: tuple[str, ...]
    configured_votes: int
    has_witness: bool


def suppose(configured: Configured, supposition: Supposition) -> Supposed:
    on = [node for node in configured.nodes if node.name not in supposition.off]
    groups = list(_sides(on, supposition))
    witness = None if supposition.witness_off else configured.witness
    ids = [{node.node_id for node in group} for group in groups]
    place = favoured(ids, witness) if witness is not None else None
    sides = [_side(configured, supposition, group, number == place) for number, group in enumerate(groups)]
    off = tuple(node.name for node in configured.nodes if node.name in supposition.off)
    ordered = sorted(sides, key=lambda side: (-side.store_votes, -side.votes, side.nodes))
    return Supposed(tuple(ordered), off, sum(configured.votes.values()), configured.witness is not None)


def _side(configured: Configured, supposition: Supposition, group: Sequence[Node], witness: bool) -> Side:
    votes, present = configured.votes, {node.node_id for node in group}
    options = replace(configured.options, qdevice_casts=witness)
    before: Collection[int] = () if supposition.anew else votes
    decided = quorum.decide(votes, present, options, waiting=supposition.anew, before=before)
    apart = tuple(_apart(group, supposition))
    return Side(
        nodes=tuple(node.name for node in group),
        votes=decided.total_votes,
        expected_votes=decided.expected_votes,
        needed_votes=decided.quorum,
        witness=witness and options.has_qdevice,
        quorate=None if apart else decided.quorate,
        writable=None if apart else electorate.is_majority(votes, present),
        store_votes=electorate.present(votes, present),
        store_needed=electorate.needed(votes),
        complete=electorate.sees_what_a_majority_kept(votes, present),
        waits_for_all=quorum.still_waiting(votes, present, options, waiting=supposition.anew),
        apart=apart,
    )


def _sides(on: Iterable[Node], supposition: Supposition) -> Iterable[tuple[Node, ...]]:
    """Nodes that see each other, over others too: corosync does not relay, but nor can it part them cleanly."""
    rest = list(on)
    while rest:
        side, fresh = [rest[0]], [rest.pop(0)]
        while fresh:
            one = fresh.pop()
            reached = [other for other in rest if sees(one, other, supposition)]
            rest = [other for other in rest if other not in reached]
            side += reached
            fresh += reached
        yield tuple(sorted(side, key=lambda node: node.node_id))


def _apart(group: Sequence[Node], supposition: Supposition) -> Iterable[tuple[str, str]]:
    for number, one in enumerate(group):
        yield from ((one.name, other.name) for other in group[number + 1 :] if not sees(one, other, supposition))


def sees(one: Node, other: Node, supposition: Supposition) -> bool:
    """In the same group, and with a link that is on at both ends. Without any link configured, nodes see each other."""
    if _group(one, supposition) != _group(other, supposition):
        return False
    if not one.links and not other.links:
        return True
    return bool(_links_on(one, supposition) & _links_on(other, supposition))


def _group(node: Node, supposition: Supposition) -> int:
    return next((number for number, names in enumerate(supposition.split) if node.name in names), -1)


def _links_on(node: Node, supposition: Supposition) -> set[int]:
    off = supposition.links_off.get("", frozenset()) | supposition.links_off.get(node.name, frozenset())
    return {link.number for link in node.links} - off
