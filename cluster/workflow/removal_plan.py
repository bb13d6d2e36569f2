"""What taking a node out of the cluster would mean, before anybody does it: votes and quorum before and after.

Pure arithmetic on the configuration and on who is online; the numbers are votequorum's (`cluster/core/quorum.py`).
Who acts on a plan is `remove_node.py` (another node) and `leave.py` (this one).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cluster.core import quorum
from cluster.errors import Conflict, NoQuorum, NotFound
from cluster.model import Node
from cluster.workflow.references import Reference


@dataclass(frozen=True, slots=True)
class Standing:
    """A cluster in numbers: configured nodes, nodes online, votes expected, present and needed."""

    nodes: int
    online: int
    expected_votes: int
    present_votes: int
    needed_votes: int
    quorate: bool


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """`online`: is the node a member now? `obstacle` is why it cannot be removed as things are, else empty.
    `references` are what names it; `order` is what to do before and after, as sentences."""

    node: str
    node_id: int
    online: bool
    before: Standing
    after: Standing
    obstacle: str
    warnings: tuple[str, ...]
    references: tuple[Reference, ...] = ()
    order: tuple[str, ...] = ()


def plan_removal(nodes: Iterable[Node], online: Collection[str], name: str) -> RemovalPlan:
    """Raises NotFound for a node that is not in the nodelist."""
    nodes = tuple(nodes)
    node = next((one for one in nodes if one.name == name), None)
    if node is None:
        raise NotFound(f"No node named {name} is part of the cluster.")
    rest = tuple(one for one in nodes if one is not node)
    before, after = _standing(nodes, online), _standing(rest, online)
    return RemovalPlan(
        name, node.node_id, name in online, before, after, _obstacle(name, rest, before, after), _warnings(rest, after)
    )


def order_of(plan: RemovalPlan) -> tuple[str, ...]:
    """What to do, and in which order, for this removal to hurt nobody."""
    guests = sum(1 for each in plan.references if each.kind == "guest")
    word = "guest" if guests == 1 else "guests"
    first = (f"Migrate or stop the {guests} {word} of {plan.node}.",) if guests else ()
    if plan.online:
        return (*first, f"Remove {plan.node}: it leaves in good order, and then says so on its own page.",
                "There, let it leave the cluster to use it on its own, or power it off.")  # fmt: skip
    return (*first, f"Make sure that {plan.node} stays powered off.", f"Remove {plan.node}.",
            "Should it be started again, it learns that it was removed and takes no part.")  # fmt: skip


def check_plan(plan: RemovalPlan) -> None:
    """Raises Conflict or NoQuorum with the plan's obstacle."""
    if plan.obstacle:
        raise (NoQuorum if plan.after.nodes else Conflict)(plan.obstacle)


def _standing(nodes: tuple[Node, ...], online: Collection[str]) -> Standing:
    votes = {node.node_id: node.votes for node in nodes}
    present = [node.node_id for node in nodes if node.name in online]
    decided = quorum.decide(votes, present, quorum.Options())
    quorate = decided.quorate and bool(nodes)
    return Standing(len(nodes), len(present), decided.expected_votes, decided.total_votes, decided.quorum, quorate)


def _obstacle(name: str, rest: tuple[Node, ...], before: Standing, after: Standing) -> str:
    if not rest:
        return f"{name} is the last node of the cluster; there is nothing to take it out of."
    if not before.quorate:
        return (
            f"The cluster has no quorum: {before.present_votes} of the {before.needed_votes} votes needed are present. "
            "Bring more nodes back first."
        )
    if not after.quorate:
        return (
            f"Without {name} the cluster would have no quorum: {after.present_votes} votes would be present and "
            f"{after.needed_votes} needed. Bring nodes back, or remove those that are gone for good first."
        )
    return ""


def _warnings(rest: tuple[Node, ...], after: Standing) -> tuple[str, ...]:
    if len(rest) == 2:
        return ("Two nodes remain: when either fails, the other has no quorum.",)
    if after.quorate and len(rest) > 1 and after.present_votes == after.needed_votes:
        return ("Afterwards not one more vote may be lost: the cluster would have no quorum.",)
    return ()
