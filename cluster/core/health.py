"""How the cluster is: one word, one sentence, and the reasons, worst first; decided from what a node knows of it.

Pure: a `ClusterState` and the time in, values out; the page, the API and `pvecm status` say what is decided here. What
should be arranged better while nothing is wrong is `advice.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cluster.core.advice import CLOCK_APART_S, DAY_S
from cluster.model import ClusterState, NodeState, Quorum

NAMES_MAX = 3
LINKS_NAMED_MAX = 3
CERTIFICATE_S = 7 * DAY_S
LEVELS = ("bad", "warning", "unknown")
# What an alert of these kinds says is decided here from the state itself.
SAID_HERE = {"quorum-lost", "node-gone", "link-down", "certificate", "clock", "witness-gone"}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the cluster is not well. `kind` names it for programs, `short` for a headline; `since_s` is unix, where it
    is known."""

    level: str
    kind: str
    short: str
    sentence: str
    since_s: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """`level` is one of good, warning, bad, unknown, plain; `word` is short, `sentence` says what it means."""

    level: str
    word: str
    sentence: str
    reasons: tuple[Reason, ...] = ()


def health(cluster: ClusterState, now_s: float) -> Health:
    """All there is to say, in one sentence."""
    votes = quorum_standing(cluster)
    reasons = tuple(sorted(_reasons(cluster, now_s), key=lambda one: LEVELS.index(one.level)))
    if not reasons:
        if not cluster.in_cluster:
            return votes
        return Health("good", "All is well", _well(cluster))
    first, others = reasons[0], len(reasons) - 1
    more = f" There {'is one more reason' if others == 1 else f'are {others} more reasons'}." if others else ""
    on = f" {_goes_on(cluster)}" if first.level == "warning" and first.kind != "store" else ""
    return Health(first.level, first.short, f"{first.sentence}{on}{more}", reasons)


def quorum_standing(cluster: ClusterState) -> Health:
    """The votes alone: enough or not, and how many more may be lost."""
    if not cluster.in_cluster:
        return Health("plain", "Standalone node", "This node works on its own. Create a cluster, or join one.")
    if cluster.quorum is None:
        return Health("unknown", "Quorum unknown", cluster.problem or "The cluster engine does not answer.")
    offline = [node for node in cluster.nodes if node.online is False]
    if not cluster.quorum.quorate:
        return Health("bad", "Not quorate", _not_quorate(cluster.quorum, offline))
    if offline:
        word = f"{names(offline)} {_are(offline)} offline"
        return Health("warning", word, _goes_on(cluster))
    witness = cluster.witness
    if witness is not None and witness.host and not (witness.resting or witness.connected):
        sentence = f"{votes(cluster.quorum)} {spare(cluster.quorum)} {witness.host} does not answer."
        return Health("warning", "The witness is gone", sentence)
    return Health("good", "Quorate", _goes_on(cluster))


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


def names(nodes: Iterable[NodeState]) -> str:
    """`alpha`, `alpha and beta`, `alpha, beta, gamma and 4 more`."""
    return _listed([node.name for node in nodes], NAMES_MAX)


# --- reasons ----------------------------------------------------------------------------------------------------------


def _reasons(cluster: ClusterState, now_s: float) -> Iterator[Reason]:
    yield from _of_votes(cluster)
    yield from _of_store(cluster)
    yield from _of_nodes(cluster)
    yield from _of_links(cluster)
    yield from _of_upkeep(cluster, now_s)
    for one in cluster.alerts:
        of_this_store = one.kind == "store-read-only" and one.node == cluster.local_node
        if one.kind not in SAID_HERE and not of_this_store and not one.silenced:
            yield Reason("warning", "alert", one.sentence.rstrip("."), one.sentence, one.since_s)


def _of_votes(cluster: ClusterState) -> Iterator[Reason]:
    if not cluster.in_cluster:
        return
    standing = quorum_standing(cluster)
    if standing.level in ("bad", "unknown"):
        yield Reason(standing.level, "quorum", standing.word, standing.sentence)
    elif standing.word == "The witness is gone":
        yield Reason("warning", "witness", standing.word, standing.sentence)
    if cluster.lowered is not None:
        sentence = f"{cluster.lowered.votes} votes are expected instead of {cluster.lowered.configured}, set by hand."
        yield Reason("warning", "lowered", "Expected votes are lowered", sentence)


def _of_store(cluster: ClusterState) -> Iterator[Reason]:
    store = cluster.store
    if store is None:
        return
    if store.trouble:
        yield Reason("bad", "store", f"The store of {cluster.local_node} is in trouble", store.trouble)
    elif not store.writable and (cluster.quorum is None or cluster.quorum.quorate):
        sentence = f"The configuration is read-only on {cluster.local_node}. {store.reason}".strip()
        yield Reason("warning", "store", f"Read-only on {cluster.local_node}", sentence)
    if store.lagging:
        who = _listed(list(store.lagging), NAMES_MAX)
        verb = "has" if len(store.lagging) == 1 else "have"
        sentence = f"{who} {verb} not confirmed for more than 10 s what the others have written."
        yield Reason("warning", "lagging", f"{who} {'lags' if verb == 'has' else 'lag'} behind", sentence)


def _of_nodes(cluster: ClusterState) -> Iterator[Reason]:
    for node in cluster.nodes:
        if node.online is False:
            yield Reason("warning", "node", f"{node.name} is offline", f"{node.name} is offline.", node.since_s)
    unknown = [node for node in cluster.nodes if node.online is None]
    if unknown and cluster.quorum is not None:
        verb = _are(unknown)
        sentence = f"Whether {names(unknown)} {verb} there is not known yet."
        yield Reason("unknown", "node", f"{names(unknown)} {verb} unknown", sentence)


def _of_links(cluster: ClusterState) -> Iterator[Reason]:
    there = {node.node_id: node for node in cluster.nodes if node.online}
    down = sorted({
        (state.link, *sorted((node.name, there[state.peer_id].name)))
        for node in there.values() for state in node.link_states if not state.connected and state.peer_id in there
    })  # fmt: skip
    if down:
        said = [f"link {link} between {one} and {other}" for link, one, other in down]
        count = "1 link is" if len(down) == 1 else f"{len(down)} links are"
        yield Reason("warning", "link", f"{count} down", f"Down: {_listed(said, LINKS_NAMED_MAX)}.")


def _of_upkeep(cluster: ClusterState, now_s: float) -> Iterator[Reason]:
    for node in cluster.nodes:
        ends_s = node.certificate_ends_s
        if ends_s is not None and ends_s - now_s < CERTIFICATE_S:
            left = max(0, int((ends_s - now_s) / DAY_S))
            ends = "has ended" if ends_s <= now_s else f"ends in {left} {'day' if left == 1 else 'days'}"
            sentence = f"The certificate of {node.name} {ends}."
            yield Reason("bad" if ends_s <= now_s else "warning", "certificate", sentence[:-1], sentence)
        if node.online and abs(node.clock_apart_s) >= CLOCK_APART_S:
            way = "ahead of" if node.clock_apart_s > 0 else "behind"
            sentence = f"The clock of {node.name} is {abs(node.clock_apart_s)} s {way} that of {cluster.local_node}."
            yield Reason("warning", "clock", f"The clock of {node.name} is apart", sentence)


# --- sentences --------------------------------------------------------------------------------------------------------


def _well(cluster: ClusterState) -> str:
    count = len(cluster.nodes)
    there = "The one node is online" if count == 1 else f"All {count} nodes are online"
    measured = any(node.link_states for node in cluster.nodes)
    links = ", every link is up" if measured else ""
    return f"{there}{links}. {_goes_on(cluster)}"


def _goes_on(cluster: ClusterState) -> str:
    if cluster.quorum is None:
        return ""
    return f"{votes(cluster.quorum)} {spare(cluster.quorum)}{witness_votes(cluster)}"


def _not_quorate(quorum: Quorum, offline: list[NodeState]) -> str:
    missing = quorum.quorum - quorum.total_votes
    wanted = (
        f"{missing} more {'vote returns' if missing == 1 else 'votes return'}" if missing > 0 else "agreement returns"
    )
    waits = f" Offline: {names(offline)}." if offline else ""
    return f"{votes(quorum)} Configuration cannot be changed until {wanted}.{waits}"


def _are(nodes: list[NodeState]) -> str:
    return "is" if len(nodes) == 1 else "are"


def _listed(words: list[str], most: int) -> str:
    shown, more = words[:most], len(words) - most
    if more > 0:
        return f"{', '.join(shown)} and {more} more"
    return " and ".join([*([", ".join(shown[:-1])] if shown[:-1] else []), *shown[-1:]])
