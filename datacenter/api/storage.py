"""/storage, /pools and their lists per node: what storage.cfg and user.cfg define.

This product mounts and measures no storage: a storage is listed as it is defined, with no figures, and as not active.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from cluster.control.node_requests import Pools
from cluster.control.requests import StoreRead
from cluster.errors import NotFound
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, OpenRow, Parameters, Row
from datacenter.api.formats import Section, read_sections
from datacenter.api.permission import SIGNED_IN, perm, permitted
from datacenter.api.snapshot import cluster_state
from datacenter.api.types import Filter, Flag, NodeName, PoolId, StorageId

LOCAL = Section("dir", "local", {"path": "/var/lib/vz", "content": "iso,vztmpl,backup"})
SHARED_TYPES = ("nfs", "cifs", "iscsi", "iscsidirect", "rbd", "cephfs", "pbs", "zfs", "esxi")
# Whoever has one of these on a storage may see that it is there.
USES = ("Datastore.Audit", "Datastore.AllocateSpace")


class StorageListParameters(Parameters, kw_only=True):
    type: Filter | None = None


class StorageParameters(Parameters, kw_only=True):
    storage: StorageId


class NodeStorageParameters(Parameters, kw_only=True):
    node: NodeName
    storage: StorageId | None = None
    content: Filter | None = None
    enabled: bool = False
    target: NodeName | None = None
    format: bool = False


class PoolListParameters(Parameters, kw_only=True):
    poolid: PoolId | None = None
    type: Literal["qemu", "lxc", "storage"] | None = None


class PoolParameters(Parameters, kw_only=True):
    poolid: PoolId
    type: Literal["qemu", "lxc", "storage"] | None = None


class StorageRow(OpenRow):
    """A storage as it is defined, every key of its type beside these."""

    storage: str
    type: str


class NodeStorage(Row):
    storage: str
    type: str
    content: str
    enabled: Flag
    active: Flag
    shared: Flag


class ResourceStorage(Row):
    id: str
    type: Literal["storage"]
    storage: str
    node: str
    plugintype: str
    content: str
    shared: Flag
    status: Literal["available", "unknown"]


class Member(Row):
    id: str
    type: str
    vmid: int | UnsetType = UNSET
    storage: str | UnsetType = UNSET


class PoolRow(Row, kw_only=True):
    """Its members are told where one pool is asked for."""

    poolid: str
    comment: str | UnsetType = UNSET
    members: list[Member] | UnsetType = UNSET


async def storages(call: Call, asked: StorageListParameters) -> list[dict[str, Any]]:
    return [_row(each) for each in await _visible(call) if asked.type in (None, each.type)]


async def one_storage(call: Call, asked: StorageParameters) -> dict[str, Any]:
    found = next((each for each in await _defined(call) if each.id == asked.storage), None)
    if found is None:
        raise NotFound(f"storage '{asked.storage}' does not exist")
    return _row(found)


async def node_storages(call: Call, asked: NodeStorageParameters) -> list[NodeStorage]:
    rows = []
    for each in await _visible(call):
        row = NodeStorage(
            storage=each.id, type=each.type, content=each.values.get("content", ""), active=0, shared=_shared(each),
            enabled=0 if "disable" in each.values else 1,
        )  # fmt: skip
        chosen = asked.storage in (None, each.id) and (asked.content is None or asked.content in row.content.split(","))
        if chosen and (row.enabled or not asked.enabled) and _is_on(each, asked.node):
            rows.append(row)
    return rows


async def resource_storages(call: Call) -> list[ResourceStorage]:
    """A row per storage and node."""
    visible = await _visible(call)
    return [
        ResourceStorage(
            id=f"storage/{node.name}/{each.id}", type="storage", storage=each.id, node=node.name, plugintype=each.type,
            content=each.values.get("content", ""), shared=_shared(each), status="unknown",
        )
        for node in (await cluster_state()).nodes
        for each in visible
        if _is_on(each, node.name)
    ]  # fmt: skip


async def pools(call: Call, asked: PoolListParameters) -> list[PoolRow]:
    return [
        PoolRow(
            poolid=each["poolid"],
            comment=each["comment"] or UNSET,
            members=UNSET if asked.poolid is None else _members(each, asked.type),
        )
        for each in await visible_pools(call)
        if asked.poolid in (None, each["poolid"])
    ]


async def one_pool(call: Call, asked: PoolParameters) -> PoolRow:
    found = next((each for each in await visible_pools(call) if each["poolid"] == asked.poolid), None)
    if found is None:
        raise NotFound(f"pool '{asked.poolid}' does not exist")
    return PoolRow(poolid=found["poolid"], comment=found["comment"] or UNSET, members=_members(found, asked.type))


def _members(pool: dict[str, Any], kind: str | None) -> list[Member]:
    members = [
        Member(id=f"qemu/{guest}", type="qemu", vmid=int(guest)) for guest in pool["guests"] if guest.isdecimal()
    ]
    members += [Member(id=f"storage/{each}", type="storage", storage=each) for each in pool["storages"]]
    return [each for each in members if kind in (None, each.type)]


async def visible_pools(call: Call) -> list[dict[str, Any]]:
    """As `Pools` answers."""
    rows: list[dict[str, Any]] = await gateway.call(Pools(call.user))
    return rows


async def _visible(call: Call) -> list[Section]:
    return [
        each for each in await _defined(call) if await permitted(call, perm(f"/storage/{each.id}", *USES, any=True))
    ]


async def _defined(call: Call) -> list[Section]:
    """`local` is always there."""
    try:
        text = (await gateway.call(StoreRead("storage.cfg", user=call.user)))["data"].decode("utf-8", "replace")
    except NotFound:
        text = ""
    found = read_sections(text)
    return found if any(each.id == LOCAL.id for each in found) else [LOCAL, *found]


def _row(section: Section) -> dict[str, Any]:
    return {**section.values, "storage": section.id, "type": section.type}


def _shared(section: Section) -> Literal[0, 1]:
    return 1 if section.type in SHARED_TYPES or section.values.get("shared") == "1" else 0


def _is_on(section: Section, node: str) -> bool:
    return "nodes" not in section.values or node in section.values["nodes"].split(",")


ENDPOINTS = (
    Endpoint("GET", "/storage", "Storages as defined.", storages, SIGNED_IN, StorageListParameters, list[StorageRow]),
    Endpoint(
        "GET", "/storage/{storage}", "One storage.", one_storage, perm("/storage/{storage}", "Datastore.Allocate"),
        StorageParameters, StorageRow,
    ),
    Endpoint(
        "GET", "/nodes/{node}/storage", "A node's storages.", node_storages, SIGNED_IN, NodeStorageParameters,
        list[NodeStorage],
    ),
    Endpoint("GET", "/pools", "The pools.", pools, SIGNED_IN, PoolListParameters, list[PoolRow]),
    Endpoint(
        "GET", "/pools/{poolid}", "One pool.", one_pool, perm("/pool/{poolid}", "Pool.Audit"), PoolParameters,
        PoolRow,
    ),
)  # fmt: skip
