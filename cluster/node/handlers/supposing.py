"""Requests that look ahead and touch nothing: what would be if nodes or links failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.requests import Request
from cluster.control.supposition_requests import WhatIf
from cluster.core import supposition_text, supposition_words
from cluster.core.supposition import Configured, Side, Supposition, suppose
from cluster.corosync.conf import Document
from cluster.engine.quorum_options import quorum_options, witness_of
from cluster.errors import NotInCluster

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def what_if(request: WhatIf) -> Any:
        document = node.document()
        if document is None:
            raise NotInCluster("This node is not in a cluster, so there is nothing that could split.")
        configured = configured_in(document)
        supposition = supposition_text.read(
            configured.nodes, request.off, request.split, request.links, witness=request.witness, anew=request.anew
        )
        return answer(configured, supposition)

    return {WhatIf: what_if}


def configured_in(document: Document) -> Configured:
    return Configured(document.nodes(), quorum_options(document), witness_of(document))


def answer(configured: Configured, supposition: Supposition) -> dict[str, Any]:
    supposed = suppose(configured, supposition)
    told = supposition_words.tell(configured, supposed)
    return {
        "level": told.level,
        "sentence": told.sentence,
        "step": told.step,
        "consequences": list(told.consequences),
        "configured_votes": supposed.configured_votes,
        "off": list(supposed.off),
        "has_witness": supposed.has_witness,
        "sides": [_side(side, words) for side, words in zip(supposed.sides, told.sides, strict=True)],
    }


def _side(side: Side, sentences: tuple[str, ...]) -> dict[str, Any]:
    return {
        "nodes": list(side.nodes),
        "level": supposition_words.level_of(side),
        "votes": side.votes,
        "expected_votes": side.expected_votes,
        "needed_votes": side.needed_votes,
        "witness": side.witness,
        "quorate": side.quorate,
        "writable": side.writable,
        "store_votes": side.store_votes,
        "store_needed": side.store_needed,
        "spare_votes": side.spare_votes,
        "apart": [list(pair) for pair in side.apart],
        "sentences": list(sentences),
    }
