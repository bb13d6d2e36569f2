"""/cluster: who is in the cluster and how it stands, in the rows clients know."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from cluster.model import ClusterState, NodeState
from datacenter.api import storage
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.figures import node_figures
from datacenter.api.permission import AUDIT, NODE_AUDIT, SIGNED_IN, permitted
from datacenter.api.snapshot import cluster_state
from datacenter.api.types import Flag


class ResourcesParameters(Parameters, kw_only=True):
    type: Literal["vm", "storage", "node", "sdn"] | None = None


class StatusRow(Row):
    """The cluster, or one node; fields of the other kind are absent."""

    type: Literal["cluster", "node"]
    id: str
    name: str
    version: int | UnsetType = UNSET
    nodes: int | UnsetType = UNSET
    quorate: Flag | UnsetType = UNSET
    nodeid: int | UnsetType = UNSET
    ip: str | UnsetType = UNSET
    local: Flag | UnsetType = UNSET
    online: Flag | UnsetType = UNSET
    level: str | UnsetType = UNSET


class NodeRow(Row):
    id: str
    type: Literal["node"]
    node: str
    status: Literal["online", "offline", "unknown"]
    level: str
    maxcpu: int | UnsetType = UNSET
    maxmem: int | UnsetType = UNSET
    maxdisk: int | UnsetType = UNSET
    cpu: float | UnsetType = UNSET
    mem: int | UnsetType = UNSET
    disk: int | UnsetType = UNSET
    uptime: int | UnsetType = UNSET


class ResourceRow(Row):
    """Anything there is; fields of other kinds are absent."""

    id: str
    type: Literal["node", "storage", "pool"]
    node: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    level: str | UnsetType = UNSET
    maxcpu: int | UnsetType = UNSET
    maxmem: int | UnsetType = UNSET
    maxdisk: int | UnsetType = UNSET
    cpu: float | UnsetType = UNSET
    mem: int | UnsetType = UNSET
    disk: int | UnsetType = UNSET
    uptime: int | UnsetType = UNSET
    storage: str | UnsetType = UNSET
    plugintype: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    shared: Flag | UnsetType = UNSET
    pool: str | UnsetType = UNSET


async def cluster_status(_call: Call, _asked: NoParameters) -> list[dict[str, Any]]:
    state = await cluster_state()
    return [*_cluster_rows(state), *(_node_row(state, node) for node in state.nodes)]


async def resources(call: Call, asked: ResourcesParameters) -> list[Any]:
    rows: list[Any] = []
    if asked.type in (None, "node"):
        rows += await node_rows(call)
    if asked.type in (None, "storage"):
        rows += await storage.resource_storages(call)
    if asked.type is None:
        rows += [
            {"id": f"/pool/{pool['poolid']}", "type": "pool", "pool": pool["poolid"]}
            for pool in await storage.visible_pools(call)
        ]
    return rows


async def node_rows(call: Call) -> list[dict[str, Any]]:
    """Every node; with figures those that the caller may look at."""
    return [
        node_row(node) | (node_figures(node) if await permitted(call, NODE_AUDIT.at({"node": node.name})) else {})
        for node in (await cluster_state()).nodes
    ]


def node_row(node: NodeState) -> dict[str, Any]:
    return {"id": f"node/{node.name}", "type": "node", "node": node.name, "status": status_word(node), "level": ""}


def status_word(node: NodeState) -> str:
    return {True: "online", False: "offline", None: "unknown"}[node.online]


def _cluster_rows(state: ClusterState) -> list[dict[str, Any]]:
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


def _node_row(state: ClusterState, node: NodeState) -> dict[str, Any]:
    row: dict[str, Any] = {
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
    Endpoint("GET", "/cluster/status", "The cluster and its nodes.", cluster_status, AUDIT, returns=list[StatusRow]),
    Endpoint(
        "GET",
        "/cluster/resources",
        "What there is in the cluster.",
        resources,
        SIGNED_IN,
        ResourcesParameters,
        list[ResourceRow],
    ),
)
