"""What a supposition means, in sentences: how each side fares, what would be lost or wait, and the next safe step.

Pure text. Bringing nodes and links back is always safe; making do with fewer votes never is, and is never advised.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cluster.core.supposition import Configured, Side, Supposed

NAMES_MAX = 4


@dataclass(frozen=True, slots=True)
class Told:
    """`sentence` is the one thing to know; `sides` are sentences of each side; `level` is good, warning or bad."""

    level: str
    sentence: str
    sides: tuple[tuple[str, ...], ...]
    consequences: tuple[str, ...]
    step: str


def tell(configured: Configured, supposed: Supposed) -> Told:
    return Told(
        level(supposed),
        _headline(supposed),
        tuple(tuple(_of_side(side)) for side in supposed.sides),
        tuple(_consequences(configured, supposed)),
        _step(configured, supposed),
    )


def level(supposed: Supposed) -> str:
    writable = [side for side in supposed.sides if side.writable]
    if not writable or sum(side.quorate is True for side in supposed.sides) > 1:
        return "bad"
    whole = len(supposed.sides) == 1 and not supposed.off
    return "good" if whole and writable[0].quorate else "warning"


def level_of(side: Side) -> str:
    if side.quorate is None:
        return "unknown"
    return "good" if side.quorate and side.writable else "warning" if side.quorate or side.writable else "bad"


def names(of: Sequence[str]) -> str:
    """`alpha`, `alpha and beta`, `alpha, beta, gamma, delta and 3 more`."""
    shown = list(of[:NAMES_MAX])
    if len(of) > NAMES_MAX:
        return f"{', '.join(shown)} and {len(of) - NAMES_MAX} more"
    return " and ".join([*([", ".join(shown[:-1])] if shown[:-1] else []), *shown[-1:]])


def _headline(supposed: Supposed) -> str:
    quorate = [side for side in supposed.sides if side.quorate]
    writable = [side for side in supposed.sides if side.writable]
    if not supposed.sides:
        return "No node would run."
    if any(side.apart for side in supposed.sides):
        return "Some nodes would see only part of a side: what corosync makes of that cannot be foretold."
    if len(quorate) > 1:
        return "Split brain: more than one side would be quorate."
    if writable and writable[0].quorate:
        everyone = len(supposed.sides) == 1 and not supposed.off
        return "All nodes go on." if everyone else f"{names(writable[0].nodes)} {_go(writable[0].nodes)} on."
    if writable:
        return f"{names(writable[0].nodes)} would have a majority for the store, and corosync would not be quorate."
    if quorate:
        return f"{names(quorate[0].nodes)} would stay quorate, but nobody could change the configuration."
    return "No side would be quorate, and nobody could change the configuration."


def _of_side(side: Side) -> Iterable[str]:
    if side.apart:
        pairs = [f"{one} and {other}" for one, other in side.apart]
        yield f"No link would join {names(pairs)}: corosync would make rings that come and go."
        return
    device = ", the witness's among them" if side.witness else ""
    yield f"{side.votes} of {side.expected_votes} votes{device}; {side.needed_votes} needed."
    if side.waits_for_all:
        yield "It would wait until all nodes were there once (wait_for_all)."
    if side.quorate and side.votes < side.needed_votes:
        yield "It is half, and the tie is broken in its favour (auto_tie_breaker)."
    if side.writable:
        yield f"Changes go on: {side.store_votes} votes keep them, {side.store_needed} must."
        yield f"{_votes(side.spare_votes)} more may be lost." if side.spare_votes else "Not one more vote may be lost."
    elif side.quorate:
        yield (
            f"Read-only all the same: only votes with a disk keep a change, here {side.store_votes} of the "
            f"{side.store_needed} that must."
        )
    else:
        yield "Read-only: what is there can be read, and changes are refused."


def _consequences(configured: Configured, supposed: Supposed) -> Iterable[str]:
    quorate = [side for side in supposed.sides if side.quorate]
    writable = [side for side in supposed.sides if side.writable]
    if len(quorate) > 1:
        yield "What corosync's quorum guards would run twice. The store would not: only a majority writes it."
    if supposed.off or len(supposed.sides) > 1:
        yield "Nothing that was acknowledged is lost: a majority of the votes has it on disk."
        yield "A change under way at that moment ends as unknown, and can be asked about by its id afterwards."
    waiting = [name for side in supposed.sides if not side.writable for name in side.nodes]
    if writable and waiting:
        yield f"{names(waiting)} would wait, and copy what was changed meanwhile once they meet again."
    elif waiting:
        yield "Every change waits until a majority is together again; reading goes on."
    best = writable[0] if writable else next(iter(supposed.sides), None)
    if supposed.off and (best is None or not best.complete):
        yield (
            f"If {names(supposed.off)} never came back, the last changes might be gone with "
            f"{'it' if len(supposed.off) == 1 else 'them'}: keep those disks."
        )


def _step(configured: Configured, supposed: Supposed) -> str:
    writable = [side for side in supposed.sides if side.writable]
    if any(side.apart for side in supposed.sides):
        return "Mend the links until each node sees every other of its side; then look again."
    if writable:
        others = [name for side in supposed.sides if side is not writable[0] for name in side.nodes]
        wishes = [f"start {names(supposed.off)}"] * bool(supposed.off) + [f"mend the links to {names(others)}"] * bool(
            others
        )
        if not wishes:
            return "Nothing needs to be done."
        care = "" if writable[0].spare_votes else " Until then take nothing else down for maintenance."
        wish = " and ".join(wishes)
        return f"{wish[0].upper()}{wish[1:]}; they catch up by themselves.{care}"
    back = _smallest_return(configured, supposed)
    if not back:
        return "Start the nodes."
    return (
        f"Bring back {names(back)}: with {'its' if len(back) == 1 else 'their'} votes writing goes on by itself. "
        "Do not lower the expected votes instead."
    )


def _smallest_return(configured: Configured, supposed: Supposed) -> list[str]:
    """The fewest nodes that would make the strongest side writable again: those with the most votes first."""
    best = next(iter(supposed.sides), None)
    inside = set(best.nodes) if best is not None else set()
    have, needed = (
        (best.store_votes, best.store_needed) if best is not None else (0, supposed.configured_votes // 2 + 1)
    )
    back: list[str] = []
    for node in sorted(configured.nodes, key=lambda one: (-one.votes, one.node_id)):
        if have < needed and node.name not in inside:
            back.append(node.name)
            have += node.votes
    return back


def _votes(count: int) -> str:
    return f"{count} vote" if count == 1 else f"{count} votes"


def _go(of: Sequence[str]) -> str:
    return "goes" if len(of) == 1 else "go"
