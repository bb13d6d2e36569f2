"""What the cluster's state means, in a word and a sentence. Pure: a `ClusterState` in, text out.

Every status is a level (for colour and shape) and words; `templates/membership/` shows both.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.model import ClusterState, NodeState, Quorum

NAMES_MAX = 3


@dataclass(frozen=True, slots=True)
class Health:
    """`level` is one of good, warning, bad, unknown, plain; `word` is short, `sentence` says what it means."""

    level: str
    word: str
    sentence: str


def health(cluster: ClusterState) -> Health:
    """The one thing to know about the cluster now."""
    if not cluster.in_cluster:
        return Health("plain", "Standalone node", "This node works on its own. Create a cluster, or join one.")
    if cluster.quorum is None:
        return Health("unknown", "Quorum unknown", cluster.problem or "The cluster engine does not answer.")
    offline = [node for node in cluster.nodes if node.online is False]
    if not cluster.quorum.quorate:
        return Health("bad", "Not quorate", _not_quorate(cluster.quorum, offline))
    if offline:
        verb = "is" if len(offline) == 1 else "are"
        sentence = f"{votes(cluster.quorum)} {spare(cluster.quorum)}{witness_votes(cluster)}"
        return Health("warning", f"{names(offline)} {verb} offline", sentence)
    if (
        cluster.witness is not None
        and cluster.witness.host
        and not (cluster.witness.resting or cluster.witness.connected)
    ):
        sentence = f"{votes(cluster.quorum)} {spare(cluster.quorum)} {cluster.witness.host} does not answer."
        return Health("warning", "The witness is gone", sentence)
    return Health("good", "Quorate", f"{votes(cluster.quorum)} {spare(cluster.quorum)}{witness_votes(cluster)}")


def votes(quorum: Quorum) -> str:
    return f"{quorum.total_votes} of {quorum.expected_votes} votes are present, {quorum.quorum} are needed."


def witness_votes(cluster: ClusterState) -> str:
    """Which of the votes are the witness's; empty where none is."""
    witness = cluster.witness
    if witness is None or not witness.votes:
        return ""
    which = "One of them is" if witness.votes == 1 else f"{witness.votes} of them are"
    return f" {which} the witness’s, {witness.host}."


def spare(quorum: Quorum) -> str:
    """How much more may be lost."""
    margin = quorum.total_votes - quorum.quorum
    if margin <= 0:
        return "No vote may be lost."
    return f"{margin} more {'vote' if margin == 1 else 'votes'} may be lost."


def names(nodes: list[NodeState]) -> str:
    """`alpha`, `alpha and beta`, `alpha, beta, gamma and 4 more`."""
    shown = [node.name for node in nodes[:NAMES_MAX]]
    more = len(nodes) - len(shown)
    if more:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([*([", ".join(shown[:-1])] if shown[:-1] else []), *shown[-1:]])


def _not_quorate(quorum: Quorum, offline: list[NodeState]) -> str:
    missing = quorum.quorum - quorum.total_votes
    wanted = f"{missing} more {'vote' if missing == 1 else 'votes'}" if missing > 0 else "agreement"
    waits = f" Offline: {names(offline)}." if offline else ""
    return f"{votes(quorum)} Configuration cannot be changed until {wanted} returns.{waits}".replace(
        "votes returns", "votes return"
    )


def link_numbers(cluster: ClusterState) -> list[int]:
    """The links any node has, in order: the columns of the table of nodes."""
    return sorted({link.number for node in cluster.nodes for link in node.links})
