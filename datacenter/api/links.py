"""/cluster/config/links: what every node measures on its links."""

from __future__ import annotations

from typing import Any

from cluster.control.link_requests import Links
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.permission import AUDIT, NODE_AUDIT
from datacenter.api.types import NodeName


class NodeParameters(Parameters, kw_only=True):
    node: NodeName


class LinkRow(Row):
    """One link of `node` towards `peer` as `node` measures it. Latencies are microseconds, `loss` a share of one; what
    a node has not told is null."""

    node: str
    peer: str
    link: int
    address: str
    peer_address: str
    connected: bool | None
    latency_us: int | None
    latency_ave_us: int | None
    latency_max_us: int | None
    loss: float | None
    retries: int | None
    flaps: int | None
    mtu: int | None


async def links(_call: Call, _asked: NoParameters) -> list[dict[str, Any]]:
    return await gateway.call(Links())


async def node_links(_call: Call, asked: NodeParameters) -> list[dict[str, Any]]:
    return [row for row in await gateway.call(Links()) if row["node"] == asked.node]


ENDPOINTS = (
    Endpoint(
        "GET", "/cluster/config/links", "Every node's links towards its peers, measured.", links, AUDIT,
        returns=list[LinkRow],
    ),
    Endpoint(
        "GET", "/nodes/{node}/links", "A node's links towards its peers, measured now.", node_links, NODE_AUDIT,
        NodeParameters, list[LinkRow], on_node=True,
    ),
)  # fmt: skip
