"""/cluster: who is in the cluster and how it stands, in the rows clients know."""

from __future__ import annotations

from typing import Any, Literal

from cluster.model import ClusterState, NodeState
from datacenter.api.endpoint import Call, Endpoint, NoParameters, Parameters
from datacenter.api.figures import node_figures
from datacenter.api.snapshot import cluster_state

Row = dict[str, Any]


class ResourcesParameters(Parameters, kw_only=True):
    type: Literal["vm", "storage", "node", "sdn"] | None = None


async def cluster_status(_call: Call, _asked: NoParameters) -> list[Row]:
    state = await cluster_state()
    return [*_cluster_rows(state), *(_node_row(state, node) for node in state.nodes)]


async def resources(_call: Call, asked: ResourcesParameters) -> list[Row]:
    if asked.type not in (None, "node"):
        return []
    return [resource_row(node) for node in (await cluster_state()).nodes]


def resource_row(node: NodeState) -> Row:
    row: Row = {"id": f"node/{node.name}", "type": "node", "node": node.name, "status": status_word(node), "level": ""}
    return row | node_figures(node)


def status_word(node: NodeState) -> str:
    return {True: "online", False: "offline", None: "unknown"}[node.online]


def _cluster_rows(state: ClusterState) -> list[Row]:
    if not state.in_cluster:
        return []
    quorate = state.quorum is not None and state.quorum.quorate
    return [
        {
            "type": "cluster",
            "id": "cluster",
            "name": state.name,
            "version": state.config_version,
            "nodes": len(state.nodes),
            "quorate": int(quorate),
        }
    ]


def _node_row(state: ClusterState, node: NodeState) -> Row:
    row: Row = {
        "type": "node",
        "id": f"node/{node.name}",
        "name": node.name,
        "nodeid": node.node_id if state.in_cluster else 0,
        "local": int(node.local),
        "online": int(bool(node.online) or (node.local and not state.in_cluster)),
        "level": "",
    }
    return row | ({"ip": node.address} if node.address else {})


ENDPOINTS = (
    Endpoint(
        "GET", "/cluster/status", "The cluster and its nodes.", cluster_status, "Sys.Audit", returns="[{type, id, …}]"
    ),
    Endpoint(
        "GET", "/cluster/resources", "What there is in the cluster.", resources, "any", ResourcesParameters, "[{id, …}]"
    ),
)
