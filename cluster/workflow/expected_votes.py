"""Expecting fewer votes than are configured, for a while: what it would mean in numbers, and whether it may be. Pure.

It is for a survivor whose others are certainly off: corosync then lets what asks it go on. The store is not among that:
it counts the configured votes and stays as it was (`docs/contract.md`). Who acts on it is `cluster/node/expected.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cluster.errors import Conflict, InvalidInput
from cluster.model import Node, Quorum

LASTS_MIN_S, LASTS_MAX_S, LASTS_S = 60, 24 * 3600, 600


@dataclass(frozen=True, slots=True)
class Absent:
    """A node that is not a member, and where something answered when it was tried: then it is not off."""

    node: str
    votes: int
    answers_at: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectedPlan:
    """`needed_votes` is what `votes` expected ones come to; `quorate`: whether those present are enough then."""

    votes: int
    configured_votes: int
    present_votes: int
    needed_now: int
    needed_votes: int
    quorate: bool
    absent: tuple[Absent, ...]
    sentences: tuple[str, ...]
    obstacle: str = ""


def plan_expected(
    nodes: Iterable[Node], quorum: Quorum, members: Collection[int], answering: dict[str, tuple[str, ...]], votes: int
) -> ExpectedPlan:
    """`answering`: absent node → addresses where something answers. Raises InvalidInput."""
    nodes = tuple(nodes)
    configured = sum(node.votes for node in nodes)
    if not 1 <= votes <= max(configured, quorum.total_votes):
        sentence = f"Expected votes are from 1 to {configured}, which is what is configured."
        raise InvalidInput(sentence, fields={"expected": sentence})
    absent = tuple(
        Absent(node.name, node.votes, answering.get(node.name, ())) for node in nodes if node.node_id not in members
    )
    needed = max(votes, quorum.total_votes) // 2 + 1
    quorate = quorum.total_votes >= needed
    return ExpectedPlan(
        votes, configured, quorum.total_votes, quorum.quorum, needed, quorate, absent,
        tuple(_sentences(votes, configured, quorum, needed, quorate, absent)), _obstacle(votes, configured, absent),
    )  # fmt: skip


def check_plan(plan: ExpectedPlan, force: bool) -> None:
    """Raises Conflict with the plan's obstacle."""
    if plan.obstacle and not force:
        raise Conflict(plan.obstacle)


def lasts_s(seconds: int) -> int:
    """Raises InvalidInput."""
    if not LASTS_MIN_S <= seconds <= LASTS_MAX_S:
        sentence = f"This lasts from {LASTS_MIN_S} seconds to {LASTS_MAX_S // 3600} hours."
        raise InvalidInput(sentence, fields={"lasts-s": sentence})
    return seconds


def _obstacle(votes: int, configured: int, absent: tuple[Absent, ...]) -> str:
    alive = [one for one in absent if one.answers_at]
    if votes >= configured or not alive:
        return ""
    said = "; ".join(f"{one.node} answers at {', '.join(one.answers_at)}" for one in alive)
    return (
        f"{said}. A node that is alive may go on by itself, and then both sides act. Switch it off or mend the links; "
        "with force it is done all the same."
    )


def _sentences(
    votes: int, configured: int, quorum: Quorum, needed: int, quorate: bool, absent: tuple[Absent, ...]
) -> list[str]:
    said = [
        f"{configured} votes are configured and {quorum.total_votes} present; {quorum.quorum} are needed now.",
        f"With {votes} expected, {needed} would be needed: this side would {'' if quorate else 'not '}be quorate.",
        "The configuration stays read-only all the same: the store counts the configured votes.",
    ]
    if absent:
        names = ", ".join(one.node for one in absent)
        said.append(f"It is only safe when {names} {'is' if len(absent) == 1 else 'are'} certainly switched off.")
    return said
