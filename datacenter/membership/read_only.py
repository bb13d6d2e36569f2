"""Why nothing can be written on this node now: the votes, who is missing, what still works, and the next safe step.

Pure: a `ClusterState` in, text out. `templates/shell/_read_only.html` shows it on every page.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _

from cluster.core.health import names, votes
from cluster.model import ClusterState, NodeState
from datacenter.language.sentences import said

WORKS = _("Everything can be looked at, pages stay live, and what runs goes on running.")
ITSELF = _(
    "When the cause is mended, nothing more has to be done: the store is opened again by itself within half a minute."
)
FORCED = _(
    "Start {names}, or mend the links to them: with a majority of the configured votes writing goes on by itself."
    " What is written without could not be kept."
)


WITNESS = _(
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
    quorum, reason = cluster.quorum, said(cluster.store.reason)
    if cluster.store.trouble:
        headline = gettext("This node's store cannot be relied on: it is read-only.")
        return ReadOnly("bad", headline, said(cluster.store.trouble), missing, gettext(WORKS), gettext(ITSELF))
    if not cluster.in_cluster:
        step = gettext("Look into this node's log; when its disk is mended, start its service again.")
        return ReadOnly(
            "bad", gettext("This node's configuration cannot be changed."), reason, (), gettext(WORKS), step
        )
    if quorum is None:
        problem = said(cluster.problem) or gettext("The cluster engine does not answer.")
        step = gettext("Look whether corosync runs on this node; it comes back by itself once it does.")
        headline = gettext("This node hears nothing of its cluster and is read-only.")
        return ReadOnly("bad", headline, problem, missing, gettext(WORKS), step)
    if not quorum.quorate:
        step = _step(quorum.quorum - quorum.total_votes, missing)
        return ReadOnly(
            "bad",
            gettext("Too few votes are present: this node is read-only."),
            said(votes(quorum)),
            missing,
            gettext(WORKS),
            step,
        )
    configured = sum(node.votes for node in cluster.nodes)
    if missing and quorum.expected_votes < configured:
        headline = gettext("Lowered votes do not let this node write: it is read-only.")
        arithmetic = gettext("{votes} That was set by hand; the configuration counts {configured}.").format(
            votes=said(votes(quorum)), configured=configured
        )
        return ReadOnly(
            "bad",
            headline,
            arithmetic,
            missing,
            gettext(WORKS),
            gettext(FORCED).format(names=said(names(list(missing)))),
        )
    if (
        missing
        and "Qdevice" in quorum.flags
        and sum(node.votes for node in cluster.nodes if node.online) * 2 <= configured
    ):
        headline = gettext("The QDevice's vote does not let this node write: it is read-only.")
        return ReadOnly(
            "bad",
            headline,
            f"{reason} {gettext(WITNESS)}",
            missing,
            gettext(WORKS),
            gettext(FORCED).format(names=said(names(list(missing)))),
        )
    step = gettext("Nothing has to be done while it catches up. If this stays, look into this node's log.")
    return ReadOnly(
        "warning", gettext("This node cannot write yet."), reason or said(votes(quorum)), missing, gettext(WORKS), step
    )


def _step(lacking: int, missing: tuple[NodeState, ...]) -> str:
    """Bringing nodes back is always safe; making do with fewer votes is not."""
    wanted = (
        ngettext("{number} more vote", "{number} more votes", lacking).format(number=lacking)
        if lacking > 0
        else gettext("the votes that are missing")
    )
    who = (
        gettext("Start {names}, or mend the links to them").format(names=said(names(list(missing))))
        if missing
        else gettext("Mend the links between the nodes")
    )
    return gettext(
        "{who}: with {wanted} writing goes on by itself. Expecting fewer votes is only safe when it is certain that the"
        " missing nodes are switched off."
    ).format(who=who, wanted=wanted)
