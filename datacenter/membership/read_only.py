"""Why nothing can be written on this node now: the votes, who is missing, what still works, and the next safe step.

Pure: a `ClusterState` in, text out. `templates/shell/_read_only.html` shows it on every page.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.core.health import names, votes
from cluster.model import ClusterState, NodeState

WORKS = "Everything can be looked at, pages stay live, and what runs goes on running."
ITSELF = (
    "When the cause is mended, nothing more has to be done: the store is opened again by itself within half a minute."
)
FORCED = (
    "Start {names}, or mend the links to them: with a majority of the configured votes writing goes on by itself."
    " What is written without could not be kept."
)


WITNESS = (
    "The QDevice's vote counts for corosync alone: it has no copy of the configuration, so it cannot say whether this"
    " node's is the newest."
)


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """`headline` and `arithmetic` say why, `missing` are the nodes to wait for, `step` is what to do."""

    level: str
    headline: str
    arithmetic: str
    missing: tuple[NodeState, ...]
    works: str
    step: str


def read_only(cluster: ClusterState) -> ReadOnly | None:
    """None while this node can write, or nothing is known of its store."""
    if cluster.store is None or cluster.store.writable:
        return None
    missing = tuple(node for node in cluster.nodes if node.online is False)
    quorum, reason = cluster.quorum, cluster.store.reason
    if cluster.store.trouble:
        headline = "This node's store cannot be relied on: it is read-only."
        return ReadOnly("bad", headline, cluster.store.trouble, missing, WORKS, ITSELF)
    if not cluster.in_cluster:
        step = "Look into this node's log; when its disk is mended, start its service again."
        return ReadOnly("bad", "This node's configuration cannot be changed.", reason, (), WORKS, step)
    if quorum is None:
        problem = cluster.problem or "The cluster engine does not answer."
        step = "Look whether corosync runs on this node; it comes back by itself once it does."
        headline = "This node hears nothing of its cluster and is read-only."
        return ReadOnly("bad", headline, problem, missing, WORKS, step)
    if not quorum.quorate:
        step = _step(quorum.quorum - quorum.total_votes, missing)
        return ReadOnly(
            "bad", "Too few votes are present: this node is read-only.", votes(quorum), missing, WORKS, step
        )
    configured = sum(node.votes for node in cluster.nodes)
    if missing and quorum.expected_votes < configured:
        headline = "Lowered votes do not let this node write: it is read-only."
        arithmetic = f"{votes(quorum)} That was set by hand; the configuration counts {configured}."
        return ReadOnly("bad", headline, arithmetic, missing, WORKS, FORCED.format(names=names(list(missing))))
    if (
        missing
        and "Qdevice" in quorum.flags
        and sum(node.votes for node in cluster.nodes if node.online) * 2 <= configured
    ):
        headline = "The QDevice's vote does not let this node write: it is read-only."
        return ReadOnly(
            "bad", headline, f"{reason} {WITNESS}", missing, WORKS, FORCED.format(names=names(list(missing)))
        )
    step = "Nothing has to be done while it catches up. If this stays, look into this node's log."
    return ReadOnly("warning", "This node cannot write yet.", reason or votes(quorum), missing, WORKS, step)


def _step(lacking: int, missing: tuple[NodeState, ...]) -> str:
    """Bringing nodes back is always safe; making do with fewer votes is not."""
    wanted = f"{lacking} more {'vote' if lacking == 1 else 'votes'}" if lacking > 0 else "the votes that are missing"
    who = f"Start {names(list(missing))}, or mend the links to them" if missing else "Mend the links between the nodes"
    return (
        f"{who}: with {wanted} writing goes on by itself. Expecting fewer votes is only safe when it is certain that"
        " the missing nodes are switched off."
    )
