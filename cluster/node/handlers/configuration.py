"""Requests about the cluster's configuration: read it, create a cluster, join or leave one, admit or remove a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.requests import (
    AddNode,
    ClusterConfig,
    CreateCluster,
    DecodeInvitation,
    JoinCluster,
    JoinInfo,
    LeaveCluster,
    RemovalPlan,
    RemovedNodes,
    RemoveNode,
    Request,
    UndoAddNode,
    UndoRemoval,
    as_plain,
)
from cluster.corosync import conf
from cluster.errors import Conflict, NotFound, NotInCluster
from cluster.workflow import invitation

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

NOT_CLUSTERED = "This node is not in a cluster."


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def config(request: ClusterConfig) -> Any:
        document = node.document()
        if document is None:
            return {"totem": None, "nodes": [], "digest": ""}
        return {
            "totem": document.totem_section(),
            "nodes": [{**section, "node": section.get("name", "")} for section in document.node_sections()],
            "digest": conf.digest(document.source),
        }

    async def join_info(request: JoinInfo) -> Any:
        document = node.document()
        if document is None:
            raise NotInCluster("node is not in a cluster, no join info available!")
        preferred = request.node or node.options.name
        if document.node(preferred) is None:
            raise NotFound(f"No node named {preferred} is part of the cluster.")
        state = node.publisher.state
        nodes = []
        for section in document.node_sections():
            shown = state.node(section.get("name", "")) if state is not None else None
            address, fingerprint = (shown.address, shown.fingerprint) if shown is not None else ("", "")
            nodes.append({**section, "pve_addr": address or section.get("ring0_addr", ""), "pve_fp": fingerprint})
        return {
            "preferred_node": preferred,
            "config_digest": conf.digest(document.source),
            "totem": document.totem_section(),
            "nodelist": nodes,
        }

    async def decode(request: DecodeInvitation) -> Any:
        return as_plain(invitation.describe(request.text))

    async def create(request: CreateCluster) -> Any:
        check_free(node)
        return {"upid": node.workflows.create(request)}

    async def join(request: JoinCluster) -> Any:
        if not request.force:
            check_free(node)
        return {"upid": node.workflows.join(request)}

    async def add_node(request: AddNode) -> Any:
        check_clustered(node)
        return await node.workflows.add_node(request)

    async def undo_add_node(request: UndoAddNode) -> Any:
        await node.workflows.undo_add_node(request)

    async def leave(request: LeaveCluster) -> Any:
        check_clustered(node)
        return {"upid": node.workflows.leave(request)}

    async def removal_plan(request: RemovalPlan) -> Any:
        check_clustered(node)
        return await node.workflows.plan_removal(request.node)

    async def remove_node(request: RemoveNode) -> Any:
        check_clustered(node)
        return await node.workflows.remove_node(request, node.access.rotation.after_removal)

    async def removed_nodes(request: RemovedNodes) -> Any:
        return await node.workflows.removed_nodes()

    async def undo_removal(request: UndoRemoval) -> Any:
        check_clustered(node)
        return await node.workflows.undo_removal(request)

    return {
        ClusterConfig: config,
        JoinInfo: join_info,
        DecodeInvitation: decode,
        CreateCluster: create,
        JoinCluster: join,
        AddNode: add_node,
        UndoAddNode: undo_add_node,
        LeaveCluster: leave,
        RemovalPlan: removal_plan,
        RemoveNode: remove_node,
        RemovedNodes: removed_nodes,
        UndoRemoval: undo_removal,
    }


def check_clustered(node: Daemon) -> None:
    if node.document() is None:
        raise NotInCluster(NOT_CLUSTERED)


def check_free(node: Daemon) -> None:
    document = node.document()
    if document is not None:
        raise Conflict(f"This node is in the cluster {document.cluster_name} already.")
    if node.life.replica.blank:
        raise Conflict("This node is joining a cluster right now.")
