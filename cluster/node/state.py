"""The cluster as one value for pages and programs: configuration, membership, quorum, the board and the store, joined.

Pure: everything is handed in. The nodelist of the committed corosync.conf says which nodes there are; the board says
which are online; the engine's quorum notice says what votequorum counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cluster.core.membership import View
from cluster.core.replica import Replica
from cluster.corosync.conf import Document
from cluster.model import ClusterState, Node, NodeState, Revision, StoreState, Trends
from cluster.node.board import Board


@dataclass(frozen=True, slots=True)
class Self:
    """This node as it knows itself."""

    name: str
    node_id: int
    address: str
    fingerprint: str
    trouble: str = ""
    version: str = ""
    certificate_ends_s: float | None = None


def cluster_state(
    me: Self, engine: str, document: Document | None, view: View | None, board: Board, replica: Replica, problem: str,
    trends: Callable[[str], Trends] = lambda name: Trends(),
) -> ClusterState:  # fmt: skip
    """What this node would show now. `document` is None on a stand-alone node."""
    nodes = _nodes(me, document)
    return ClusterState(
        local_node=me.name,
        name=document.cluster_name if document is not None else "",
        config_version=document.config_version if document is not None else 0,
        nodes=tuple(_node_state(node, me, board, trends(node.name)) for node in nodes),
        quorum=view.quorum if view is not None and document is not None else None,
        ring=view.ring if view is not None and document is not None else None,
        settled=view is not None and view.settled,
        store=store_state(replica, document, board, me.trouble),
        engine=engine,
        problem=problem,
    )


def _nodes(me: Self, document: Document | None) -> tuple[Node, ...]:
    """The nodelist; this node too, without a vote, when the cluster has taken it out."""
    if document is None:
        return (Node(me.name, me.node_id, 1),)
    listed = document.nodes()
    return listed if document.node(me.name) is not None else (*listed, Node(me.name, me.node_id, 0))


def _node_state(node: Node, me: Self, board: Board, trends: Trends) -> NodeState:
    card = board.card(node.node_id)
    said = card.announcement
    local = node.name == me.name
    return NodeState(
        name=node.name,
        node_id=node.node_id,
        votes=node.votes,
        links=node.links,
        address=me.address if local else (said.address if said else ""),
        local=local,
        online=True if local else (card.online if card.since_s is not None else None),
        since_s=card.since_s,
        fingerprint=me.fingerprint if local else (said.fingerprint if said else ""),
        sample=card.sample,
        link_states=card.link_states,
        totem=card.totem,
        version=me.version if local else (said.version if said else ""),
        certificate_ends_s=me.certificate_ends_s if local else (said.certificate_ends_s if said else None),
        clock_apart_s=0 if local else card.clock_apart_s,
        trends=trends,
    )


def store_state(replica: Replica, document: Document | None, board: Board, trouble: str = "") -> StoreState:
    """Writable or not, and why in one sentence, with the nodes that are missing by name."""
    point = replica.machine.log.commit
    reason = "" if replica.writable else replica.reason
    if reason and document is not None and replica.needed_votes > replica.present_votes:
        missing = [node for node in document.nodes() if node.node_id not in replica.members]
        if missing:
            reason = f"{reason} Not here: {', '.join(node.name for node in missing)}."
        troubled = [(node.name, board.card(node.node_id).trouble) for node in missing]
        reason = " ".join([reason, *(f"{name} says: {trouble}" for name, trouble in troubled if trouble)])
    late = {one.node_id for one in replica.behind}
    lagging = tuple(node.name for node in document.nodes() if node.node_id in late) if document is not None else ()
    return StoreState(replica.writable, reason, Revision(point.epoch, point.index), point.hash.hex(), trouble, lagging)
