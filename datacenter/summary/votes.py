"""The votes of a cluster as a half ring: who is there, who is not, the witness, and how many it takes. Pure.

It knows places and words; `templates/summary/_votes.html` makes SVG of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop, ngettext

from cluster.model import ClusterState, Quorum

MIDDLE_X, MIDDLE_Y = 120, 116
OUTER, INNER = 104, 76
GAP = 1.6  # degrees between two votes, as long as there are few
FEW = 40
KINDS = (gettext_noop("present"), gettext_noop("unknown"), gettext_noop("absent"))


@dataclass(frozen=True, slots=True)
class Arc:
    """`kind` is present, absent or unknown; of a `witness` it is no node's."""

    path: str
    kind: str
    sentence: str
    witness: bool = False


@dataclass(frozen=True, slots=True)
class HalfRing:
    """`needed` is the line beyond which the votes are enough: x1, y1, x2, y2."""

    arcs: tuple[Arc, ...]
    needed: tuple[float, float, float, float]
    sentence: str


def half_ring(cluster: ClusterState) -> HalfRing | None:
    """None while nothing is known of the votes."""
    quorum = cluster.quorum
    if quorum is None:
        return None
    shares = sorted(_shares(cluster, quorum), key=lambda share: KINDS.index(share[2]))
    whole = sum(votes for _, votes, *_ in shares) or 1
    gap = GAP if len(shares) <= FEW else 0.0
    arcs, before = [], 0
    for name, votes, kind, witness in shares:
        begin, end = 180 * before / whole, 180 * (before + votes) / whole
        before += votes
        said = ngettext("{name}: {votes} vote, {kind}.", "{name}: {votes} votes, {kind}.", votes).format(
            name=name, votes=votes, kind=gettext(kind)
        )
        arcs.append(Arc(_path(begin + gap / 2, end - gap / 2), kind, said, witness))
    at = 180 * min(quorum.quorum, whole) / whole
    needed = (*_point(at, INNER - 7), *_point(at, OUTER + 7))
    sentence = gettext("{present} of {expected} expected votes are present, {needed} are needed.").format(
        present=quorum.total_votes, expected=quorum.expected_votes, needed=quorum.quorum
    )
    return HalfRing(tuple(arcs), needed, sentence)


def _shares(cluster: ClusterState, quorum: Quorum) -> Iterator[tuple[str, int, str, bool]]:
    """Name, votes, kind, and whether it is the witness. What is expected beyond the nodes' votes is the witness's."""
    here = configured = 0
    for node in sorted(cluster.nodes, key=lambda each: each.node_id):
        if node.votes:
            configured += node.votes
            here += node.votes if node.online else 0
            kind = {True: "present", False: "absent", None: "unknown"}[node.online]
            yield node.name, node.votes, kind, False
    witness = cluster.witness
    if witness is not None and witness.host:
        if not witness.resting and witness.configured_votes:
            yield f"Witness {witness.host}", witness.configured_votes, "present" if witness.votes else "absent", True
    elif "Qdevice" in quorum.flags or quorum.highest_expected > configured:
        votes = max(1, max(quorum.expected_votes, quorum.highest_expected) - configured)
        yield gettext("Witness"), votes, "present" if quorum.total_votes > here else "absent", True


def _path(begin: float, end: float) -> str:
    """A piece of the ring between two angles, counted from the left over the top."""
    (ax, ay), (bx, by) = _point(begin, OUTER), _point(end, OUTER)
    (cx, cy), (dx, dy) = _point(end, INNER), _point(begin, INNER)
    return f"M{ax} {ay}A{OUTER} {OUTER} 0 0 1 {bx} {by}L{cx} {cy}A{INNER} {INNER} 0 0 0 {dx} {dy}Z"


def _point(angle: float, radius: float) -> tuple[float, float]:
    turn = math.radians(180 - angle)
    return round(MIDDLE_X + radius * math.cos(turn), 1), round(MIDDLE_Y - radius * math.sin(turn), 1)
