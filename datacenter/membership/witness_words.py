"""How the cluster's witness stands, in a word and a sentence. Pure: a `ClusterState` in, text out."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop, ngettext

from cluster.core.health import Health
from cluster.model import ClusterState, WitnessState
from datacenter.language.sentences import said

ALGORITHMS = {
    "ffsplit": gettext_noop("of halves alike, one is chosen (ffsplit)"),
    "lms": gettext_noop("the last one standing goes on (lms)"),
}


def standing(cluster: ClusterState) -> Health:
    """The one thing to know about the witness."""
    witness = cluster.witness
    if witness is None or not witness.host:
        return Health("plain", gettext("No witness"), said(witness.advice) if witness is not None else "")
    host = witness.host
    if witness.resting:
        sentence = gettext("The number of nodes is odd, so {host} has no vote; with an even number it has one again.")
        return Health("plain", gettext("Resting"), sentence.format(host=host))
    apart = [name for name, seen in witness.seen if not seen.connected]
    if not witness.connected:
        sentence = gettext("{host} does not answer any node.").format(host=host)
        return Health("bad", gettext("Not connected"), f"{sentence} {_votes(witness)}")
    if apart:
        sentence = gettext("Not connected: {nodes}.").format(nodes=", ".join(apart))
        return Health("warning", gettext("Partly connected"), f"{sentence} {_votes(witness)}")
    return Health("good", gettext("Connected"), f"{_votes(witness)} {said(witness.advice)}".strip())


def _votes(witness: WitnessState) -> str:
    if not witness.votes:
        return gettext("Its vote does not count on this side.")
    sentence = ngettext("This side has its {number} vote.", "This side has its {number} votes.", witness.votes)
    return sentence.format(number=witness.votes)
