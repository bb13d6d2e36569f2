"""How the cluster's witness stands, in a word and a sentence. Pure: a `ClusterState` in, text out."""

from __future__ import annotations

from cluster.model import ClusterState, WitnessState
from datacenter.membership.words import Health

ALGORITHMS = {
    "ffsplit": "of halves alike, one is chosen (ffsplit)",
    "lms": "the last one standing goes on (lms)",
}


def standing(cluster: ClusterState) -> Health:
    """The one thing to know about the witness."""
    witness = cluster.witness
    if witness is None or not witness.host:
        return Health("plain", "No witness", witness.advice if witness is not None else "")
    if witness.resting:
        sentence = f"The number of nodes is odd, so {witness.host} has no vote; with an even number it has one again."
        return Health("plain", "Resting", sentence)
    apart = [name for name, seen in witness.seen if not seen.connected]
    if not witness.connected:
        return Health("bad", "Not connected", f"{witness.host} does not answer any node. {_votes(witness)}")
    if apart:
        return Health("warning", "Partly connected", f"Not connected: {', '.join(apart)}. {_votes(witness)}")
    return Health("good", "Connected", f"{_votes(witness)} {witness.advice}".strip())


def _votes(witness: WitnessState) -> str:
    if witness.votes:
        return f"This side has its {witness.votes} {'vote' if witness.votes == 1 else 'votes'}."
    return f"Its {'vote does' if witness.configured_votes == 1 else 'votes do'} not count on this side."
