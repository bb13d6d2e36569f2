"""/nodes: the nodes of the cluster, and what one of them says of itself."""

from __future__ import annotations

from typing import Any

from cluster.control.requests import Interfaces, NodeFacts, Version
from datacenter import gateway
from datacenter.api.endpoint import Call, Endpoint, NoParameters, Parameters
from datacenter.api.figures import status_figures
from datacenter.api.snapshot import cluster_state, node_state, this_node
from datacenter.api.status import resource_row
from datacenter.api.types import Filter, NodeName
from datacenter.api.version import version

Row = dict[str, Any]


class NodeParameters(Parameters, kw_only=True):
    node: NodeName


class NetworkParameters(NodeParameters, kw_only=True):
    type: Filter | None = None


async def nodes(_call: Call, _asked: NoParameters) -> list[Row]:
    return [resource_row(node) | {"ssl_fingerprint": node.fingerprint} for node in (await cluster_state()).nodes]


async def node_version(call: Call, asked: NodeParameters) -> Row:
    await this_node(asked.node, "the version")
    return await version(call, NoParameters())


async def status(_call: Call, asked: NodeParameters) -> Row:
    """Figures travel between nodes, so any node's can be told; the hardware's description does not."""
    node = await node_state(asked.node)
    row = status_figures(node)
    if not node.local:
        return row
    known = await gateway.call(Version())
    row["pveversion"] = f"pve-manager/{known['version']}/{known['repoid']}"
    return row | await gateway.call(NodeFacts())


async def network(_call: Call, asked: NetworkParameters) -> list[Row]:
    await this_node(asked.node, "the network")
    rows = [_interface(row) for row in await gateway.call(Interfaces())]
    return [row for row in rows if asked.type is None or row.get("type") == asked.type]


def _interface(row: Row) -> Row:
    """Without what is empty; truth as numbers."""
    return {
        name: int(value) if isinstance(value, bool) else value for name, value in row.items() if value not in (None, "")
    }


ENDPOINTS = (
    Endpoint("GET", "/nodes", "The nodes.", nodes, "any", returns="[{node, status, …}]"),
    Endpoint("GET", "/nodes/{node}/version", "A node's version.", node_version, "any", NodeParameters, "{version, …}"),
    Endpoint("GET", "/nodes/{node}/status", "A node's figures.", status, "Sys.Audit", NodeParameters, "{uptime, …}"),
    Endpoint(
        "GET", "/nodes/{node}/network", "A node's interfaces.", network, "any", NetworkParameters, "[{iface, type, …}]"
    ),
)
