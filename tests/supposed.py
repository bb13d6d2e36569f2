"""What a made-up daemon answers when asked what would be: by the daemon's own way, from the nodes a test shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cluster.control.supposition_requests import WhatIf
from cluster.core import supposition_text
from cluster.core.supposition import Configured
from cluster.model import Node, NodeState
from cluster.node.handlers.supposing import answer


def supposed(states: Iterable[NodeState], request: WhatIf) -> dict[str, Any]:
    nodes = tuple(Node(one.name, one.node_id, one.votes, one.links) for one in states)
    typed = supposition_text.read(
        nodes, request.off, request.split, request.links, witness=request.witness, anew=request.anew
    )
    return answer(Configured(nodes), typed)
