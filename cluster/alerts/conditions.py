"""What is wrong now, as this node sees it: conditions with a name that is the same on every node. Pure.

A condition is about this node (its quorum, store, disk, certificate, links, tasks) or about another as this one sees
it. Which of them anybody is told of is `dispatch.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from cluster.alerts.condition import Condition
from cluster.alerts.link_conditions import link_conditions
from cluster.model import ClusterState

KINDS = {
    "quorum-lost": "Quorum lost", "node-gone": "Node gone", "link-down": "Link down", "latency": "Latency too high",
    "store-read-only": "Store read-only", "disk": "Disk full or failing", "certificate": "Certificate near its end",
    "clock": "Clocks apart", "witness-gone": "Witness gone", "task-failed": "Task failed",
}  # fmt: skip
DISK_EASED_PERCENT = 2.0  # what is wrong is over this far below its threshold, and not before
THRESHOLDS = {"latency": 10, "disk": 95, "certificate": 14, "clock": 10}  # ms, percent, days, s
SENTENCE_CHARACTERS_MAX = 400
WITNESS_S = 15.0  # how long one that was set up just now, or comes back, may take to be connected


@dataclass(frozen=True, slots=True)
class Facts:
    """What the state does not tell: share of the disk that is full, days the certificate has left."""

    now_s: float
    disk_percent: float | None = None
    certificate_days: float | None = None


def conditions(
    state: ClusterState, facts: Facts, thresholds: Mapping[str, float], before: Collection[str] = ()
) -> tuple[Condition, ...]:
    """`before` are the keys of what was found last: a figure that wobbles about its threshold is one condition."""
    found = (*_own(state, facts, thresholds, before), *_others(state, facts, thresholds, before))
    return tuple(msgspec.structs.replace(one, sentence=one.sentence[:SENTENCE_CHARACTERS_MAX]) for one in found)


def _own(
    state: ClusterState, facts: Facts, thresholds: Mapping[str, float], before: Collection[str]
) -> Iterator[Condition]:
    me, quorum, store = state.local_node, state.quorum, state.store
    full_percent = thresholds["disk"] - (DISK_EASED_PERCENT if f"disk/{me}" in before else 0)
    if quorum is not None and not quorum.quorate:
        votes = f"{quorum.total_votes} of {quorum.expected_votes} votes, {quorum.quorum} needed"
        yield _one("quorum-lost", me, f"{me} is without quorum: {votes}.")
    if store is not None and not store.writable and (quorum is None or quorum.quorate):
        yield _one("store-read-only", me, f"The store of {me} cannot be written. {store.reason}")
    if store is not None and store.trouble:
        yield _one("disk", me, f"{me}: {store.trouble}")
    elif facts.disk_percent is not None and facts.disk_percent >= full_percent:
        yield _one("disk", me, f"The disk of {me} is full to {facts.disk_percent:.0f} %.")
    yield from _witness(state, facts)
    if facts.certificate_days is not None and facts.certificate_days < thresholds["certificate"]:
        yield _one("certificate", me, f"The certificate of {me} ends in {max(0.0, facts.certificate_days):.0f} days.")


def _witness(state: ClusterState, facts: Facts) -> Iterator[Condition]:
    """As this node sees it; the same trouble for all."""
    witness = state.witness
    if witness is None or not witness.host or witness.resting:
        return
    own = dict(witness.seen).get(state.local_node)
    if own is None or own.connected or own.since_s is None or facts.now_s - own.since_s < WITNESS_S:
        return
    counts = "Its vote counts all the same." if witness.votes else "Its vote is missing."
    sentence = f"The witness {witness.host} does not answer {state.local_node}. {counts}"
    yield _one("witness-gone", state.local_node, sentence, witness.host)


def _others(
    state: ClusterState, facts: Facts, thresholds: Mapping[str, float], before: Collection[str]
) -> Iterator[Condition]:
    names = {node.node_id: node for node in state.nodes}
    own = state.node(state.local_node)
    for node in state.nodes:
        if not node.local and node.online is False:
            yield _one("node-gone", node.name, f"{node.name} is gone.")
        elif not node.local and node.online and node.sample is not None:
            apart_s = node.sample.time_s - facts.now_s
            if abs(apart_s) > thresholds["clock"]:
                yield _one(
                    "clock", node.name, f"The clock of {node.name} is {apart_s:+.0f} s from {state.local_node}'s."
                )
    if own is not None:
        yield from link_conditions(state.local_node, own.link_states, names, thresholds["latency"], before)


def _one(kind: str, node: str, sentence: str, about: str = "") -> Condition:
    return Condition(f"{kind}/{about or node}", kind, node, sentence)
