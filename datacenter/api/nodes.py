"""/nodes: the nodes of the cluster, and a node's figures, version and interfaces.

Figures travel between nodes, so any node tells any node's history; the rest is asked on the node itself.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cluster.control.requests import Interfaces, NodeFacts, StoreHealth, Version
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.figures import status_figures
from datacenter.api.permission import NODE_AUDIT, SIGNED_IN
from datacenter.api.snapshot import cluster_state, node_state
from datacenter.api.status import NodeRow, node_rows
from datacenter.api.types import Filter, Flag, NodeName
from datacenter.api.version import VersionRow, version


class NodeParameters(Parameters, kw_only=True):
    node: NodeName


class NetworkParameters(NodeParameters, kw_only=True):
    type: Filter | None = None


class ListedNode(NodeRow, kw_only=True):
    ssl_fingerprint: str


class Kernel(Row):
    sysname: str
    release: str
    version: str
    machine: str


class Processor(Row):
    model: str
    vendor: str
    family: str
    mhz: str
    flags: str
    cpus: int
    sockets: int
    cores: int
    user_hz: int
    hvm: Flag


class BootInfo(Row):
    mode: str
    secureboot: Flag | UnsetType = UNSET


class NodeStatus(Row):
    """Sizes are bytes, times seconds, `cpu` and `wait` shares of one; load averages are texts."""

    uptime: int
    idle: int
    pveversion: str
    kversion: str
    cpuinfo: Processor
    current_kernel: Kernel = field(name="current-kernel")
    boot_info: BootInfo = field(name="boot-info")
    memory: dict[str, int]
    swap: dict[str, int]
    rootfs: dict[str, int]
    ksm: dict[str, int]
    cpu: float | UnsetType = UNSET
    wait: float | UnsetType = UNSET
    loadavg: list[str] | UnsetType = UNSET


class Interface(Row):
    """`advice` is a sentence where a cluster link on it would share a network with other heavy traffic."""

    iface: str
    type: str
    active: Flag
    address: str | UnsetType = UNSET
    netmask: str | UnsetType = UNSET
    cidr: str | UnsetType = UNSET
    address6: str | UnsetType = UNSET
    netmask6: str | UnsetType = UNSET
    cidr6: str | UnsetType = UNSET
    comments: str | UnsetType = UNSET
    advice: str | UnsetType = UNSET


class Scrubbed(Row):
    """One reading of the whole store: when it ended (unix), how many seconds it took, what was not as it should be."""

    time: float
    took: float
    rows: int
    findings: list[str]


class SetAside(Row):
    """A copy that could not be trusted: where it is, since when (unix), why, and its bytes."""

    name: str
    path: str
    time: int
    reason: str
    size: int


class StoreCopy(Row):
    """`trouble` says what is wrong with this node's disk or copy, and what to do; empty when nothing is."""

    trouble: str
    quarantine: list[SetAside]
    scrub: Scrubbed | UnsetType = UNSET


async def store(_call: Call, _asked: NodeParameters) -> dict[str, Any]:
    known = await gateway.call(StoreHealth())
    row = {"trouble": known["trouble"], "quarantine": [_set_aside(one) for one in known["quarantine"]]}
    if (last := known["scrub"]) is not None:
        names = {"time": "time_s", "took": "took_s", "rows": "rows", "findings": "findings"}
        row["scrub"] = {name: last[key] for name, key in names.items()}
    return row


def _set_aside(one: dict[str, Any]) -> dict[str, Any]:
    names = {"name": "name", "path": "path", "time": "time_s", "reason": "reason", "size": "bytes"}
    return {name: one[key] for name, key in names.items()}


async def nodes(call: Call, _asked: NoParameters) -> list[dict[str, Any]]:
    fingerprints = {node.name: node.fingerprint for node in (await cluster_state()).nodes}
    return [row | {"ssl_fingerprint": fingerprints.get(row["node"], "")} for row in await node_rows(call)]


async def node_version(call: Call, _asked: NodeParameters) -> dict[str, Any]:
    return await version(call, NoParameters())


async def status(_call: Call, asked: NodeParameters) -> dict[str, Any]:
    known = await gateway.call(Version())
    row = status_figures(await node_state(asked.node)) | {"ksm": {"shared": 0}}
    row["pveversion"] = f"pve-manager/{known['version']}/{known['repoid']}"
    return row | await gateway.call(NodeFacts())


async def network(_call: Call, asked: NetworkParameters) -> list[dict[str, Any]]:
    rows = [interface_row(row) for row in await gateway.call(Interfaces())]
    return [row for row in rows if asked.type is None or row.get("type") == asked.type]


def interface_row(row: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty; truth as numbers."""
    return {
        name: int(value) if isinstance(value, bool) else value for name, value in row.items() if value not in (None, "")
    }


ENDPOINTS = (
    Endpoint("GET", "/nodes", "The nodes.", nodes, SIGNED_IN, returns=list[ListedNode]),
    Endpoint(
        "GET", "/nodes/{node}/version", "A node's version.", node_version, SIGNED_IN, NodeParameters, VersionRow,
        on_node=True,
    ),
    Endpoint(
        "GET", "/nodes/{node}/status", "A node's figures.", status, NODE_AUDIT, NodeParameters, NodeStatus, on_node=True
    ),
    Endpoint(
        "GET", "/nodes/{node}/network", "A node's interfaces.", network, SIGNED_IN, NetworkParameters, list[Interface],
        on_node=True,
    ),
    Endpoint(
        "GET", "/nodes/{node}/store", "A node's copy of the store: trouble, last scrub, quarantine.", store, NODE_AUDIT,
        NodeParameters, StoreCopy, on_node=True,
    ),
)  # fmt: skip
