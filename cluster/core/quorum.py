"""What votequorum decides: given the votes of the configuration and the nodes that are present, is this side quorate?

Pure arithmetic, in corosync's words, and the only one of its kind here. Whether a node still waits for all, and whom
it was with before, is remembered by the caller and handed in. Not modelled: allow_downscale, which corosync calls
unfinished. This predicts and explains; with corosync as the engine, what corosync says is what counts. Next:
`supposition.py` asks it what would be, `witness.py` says whom a QDevice would vote for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from cluster.model import Quorum


@dataclass(frozen=True, slots=True)
class Options:
    """The quorum section of corosync.conf, and the QDevice as this node sees it.

    `expected_votes` overrides the sum of the nodelist (as the configuration or `pvecm expected` says);
    `wait_for_all` None means what two_node implies; `qdevice_casts` is whether the QDevice gives this side its votes.
    `auto_tie_breaker` is empty when off, else `lowest`, `highest` or node ids: the first that was there counts.
    Beside a QDevice, last_man_standing and auto_tie_breaker win: corosync leaves the device out.
    """

    two_node: bool = False
    wait_for_all: bool | None = None
    expected_votes: int | None = None
    qdevice_votes: int = 0
    qdevice_casts: bool = False
    auto_tie_breaker: str = ""
    last_man_standing: bool = False

    @property
    def has_qdevice(self) -> bool:
        return self.qdevice_votes > 0 and not self.auto_tie_breaker and not self.last_man_standing

    @property
    def waits_for_all(self) -> bool:
        """wait_for_all is in force: as written, or with two_node, which a QDevice turns off."""
        implied = self.two_node and not self.has_qdevice
        return implied if self.wait_for_all is None else self.wait_for_all


def decide(
    votes: Mapping[int, int],
    present: Collection[int],
    options: Options,
    waiting: bool = False,
    before: Collection[int] | None = None,
) -> Quorum:
    """Quorum on the side of the `present` nodes. `votes` is the nodelist; `waiting`: this node waits for all still;
    `before`: whom it was with until now. corosync never comes to expect less than were there once."""
    total = total_votes(votes, present, options)
    if before is not None and options.expected_votes:
        seen = total_votes(votes, before, options)
        options = replace(options, expected_votes=max(options.expected_votes, seen))
    expected = expected_votes(votes, options)
    needed = needed_votes(votes, present, options)
    enough = total >= needed or breaks_the_tie(votes, present, options, before)
    quorate = enough and not still_waiting(votes, present, options, waiting)
    return Quorum(quorate, expected, total, needed, expected, _flags(options, quorate))


def still_waiting(votes: Mapping[int, int], present: Collection[int], options: Options, waiting: bool) -> bool:
    """Does the wait for all go on? It ends for good when all expected votes were present once."""
    missing = total_votes(votes, present, options) != expected_votes(votes, options)
    return waiting and options.waits_for_all and missing


def breaks_the_tie(
    votes: Mapping[int, int], present: Collection[int], options: Options, before: Collection[int] | None = None
) -> bool:
    """auto_tie_breaker: this is half, the rest can be no majority, and the node that decides is here."""
    if not options.auto_tie_breaker:
        return False
    former = set(votes if before is None else before)
    half = total_votes(votes, present, options) * 2 == expected_votes(votes, options)
    rest_is_less = len(former) - len(set(present)) < needed_votes(votes, present, options)
    return half and rest_is_less and _tie_breaker(former, options.auto_tie_breaker) in present


def after_the_window(
    votes: Mapping[int, int],
    present: Collection[int],
    options: Options,
    waiting: bool = False,
    before: Collection[int] | None = None,
) -> Options:
    """last_man_standing: a quorate side that lost nodes comes to expect only the votes it has, a while later."""
    decided = decide(votes, present, options, waiting, before)
    smallest = 1 if options.auto_tie_breaker else 2
    if not options.last_man_standing or not decided.quorate or decided.total_votes >= decided.expected_votes:
        return options
    return replace(options, expected_votes=max(smallest, decided.total_votes))


def expected_votes(votes: Mapping[int, int], options: Options) -> int:
    device = options.qdevice_votes if options.has_qdevice else 0
    return options.expected_votes or sum(votes.values()) + device


def total_votes(votes: Mapping[int, int], present: Collection[int], options: Options) -> int:
    """The votes present. A node that is not in the nodelist brings none."""
    device = options.qdevice_votes if options.qdevice_casts and options.has_qdevice else 0
    return sum(votes.get(node_id, 0) for node_id in set(present)) + device


def needed_votes(votes: Mapping[int, int], present: Collection[int], options: Options) -> int:
    """More than half of the expected votes; of those present, where more came than were expected."""
    if _two_node_applies(present, options):
        return 1
    return max(expected_votes(votes, options), total_votes(votes, present, options)) // 2 + 1


def explain(
    votes: Mapping[int, int],
    present: Collection[int],
    options: Options,
    waiting: bool = False,
    names: Mapping[int, str] | None = None,
) -> tuple[str, ...]:
    """The decision in sentences: votes present, expected, needed, who is missing, and what special rule applies."""
    quorum = decide(votes, present, options, waiting)
    sentences = [
        f"{_votes(quorum.total_votes)} of {quorum.expected_votes} present; {quorum.quorum} needed.",
        "The cluster is quorate." if quorum.quorate else "The cluster is not quorate.",
    ]
    missing = sorted(set(votes) - set(present))
    if missing:
        sentences.append(f"Missing: {_names(missing, votes, names or {})}.")
    if still_waiting(votes, present, options, waiting):
        sentences.append("Since its start this node has not seen all nodes at once, and waits for all of them.")
    elif _two_node_applies(present, options):
        sentences.append("One node is enough, because two_node is on.")
    elif quorum.total_votes < quorum.quorum and quorum.quorate:
        sentences.append("It is half, and the tie is broken in its favour (auto_tie_breaker).")
    if options.has_qdevice:
        gives = "gives" if options.qdevice_casts else "does not give"
        sentences.append(f"The QDevice {gives} this side its {_votes(options.qdevice_votes)}.")
    if not quorum.quorate and quorum.total_votes < quorum.quorum:
        sentences.append(f"{_votes(quorum.quorum - quorum.total_votes)} more would make it quorate.")
    return tuple(sentences)


def _two_node_applies(present: Collection[int], options: Options) -> bool:
    """corosync looks at the nodes present, not at those configured: with three, both sides of a split are quorate.

    `cluster/corosync/conf/verifier.py` refuses such a configuration. Beside a QDevice two_node is off."""
    return options.two_node and not options.has_qdevice and len(set(present)) <= 2


def _tie_breaker(former: Collection[int], which: str) -> int:
    """The node whose side goes on; 0 for none."""
    if which in ("lowest", "highest"):
        return (min if which == "lowest" else max)(former, default=0)
    return next((node_id for node_id in map(int, which.split()) if node_id in former), 0)


def _flags(options: Options, quorate: bool) -> tuple[str, ...]:
    """In the order and the words of corosync-quorumtool."""
    given = {
        "2Node": options.two_node and not options.has_qdevice,
        "Quorate": quorate,
        "WaitForAll": options.waits_for_all,
        "LastManStanding": options.last_man_standing,
        "AutoTieBreaker": bool(options.auto_tie_breaker),
        "Qdevice": options.has_qdevice,
    }
    return tuple(flag for flag, holds in given.items() if holds)


def _votes(count: int) -> str:
    return f"{count} vote" if count == 1 else f"{count} votes"


def _names(node_ids: Sequence[int], votes: Mapping[int, int], names: Mapping[int, str]) -> str:
    return ", ".join(f"{names.get(node_id, f'node {node_id}')} ({_votes(votes[node_id])})" for node_id in node_ids)
