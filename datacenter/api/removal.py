"""/cluster/config: taking a node out, letting this one leave, and taking a removal back.

What Proxmox VE has answers as there; the plan, the task and the list of those who are gone are additions.
"""

from __future__ import annotations

from typing import Any

from cluster.control.former_requests import FormerStores, UndoJoin
from cluster.control.plan_requests import Plan
from cluster.control.requests import LeaveCluster, RemovalPlan, RemovedNodes, RemoveNode, UndoRemoval
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.permission import AUDIT, ROOT
from datacenter.api.types import NodeName

REMOVE_TIMEOUT_S = 60.0  # a majority's acknowledgement, the node's own leaving, a reload of corosync on every member


class LeaveParameters(Parameters, kw_only=True, rename="kebab"):
    force: bool = False


class SeparateParameters(LeaveParameters, kw_only=True, rename="kebab"):
    """With `force`, away and yet alive nodes forbid leaving but for `even-if-alive`."""

    even_if_alive: bool = False


class Foretold(Row):
    """What a task would do; `obstacle` is why it would be refused now, else empty."""

    steps: list[str]
    warnings: list[str]
    obstacle: str


class NodeParameters(Parameters, kw_only=True):
    node: NodeName


class Standing(Row):
    nodes: int
    online: int
    expected_votes: int
    present_votes: int
    needed_votes: int
    quorate: bool


class Reference(Row):
    """Something that names the node, and what becomes of it."""

    path: str
    kind: str
    what: str
    becomes: str


class Removal(Row):
    node: str
    node_id: int
    online: bool
    before: Standing
    after: Standing
    obstacle: str
    warnings: list[str]
    references: list[Reference]
    order: list[str]


class Removed(Row):
    """`undo_until_s` is 0 where the removal cannot be taken back; `left`: the node went by itself."""

    node: str
    node_id: int
    time_s: int
    user: str
    left: bool
    undo_until_s: int


class Joined(Row):
    cluster: str
    time_s: int
    backup: str
    undo_until_s: int


class Copy(Row):
    name: str
    time_s: int
    size: int


class Former(Row):
    joined: Joined | None
    copies: list[Copy]


async def leave(call: Call, asked: SeparateParameters) -> str:
    return (await gateway.call(_leaving(call, asked)))["upid"]


async def leaving_plan(call: Call, asked: SeparateParameters) -> dict[str, Any]:
    return await gateway.call(Plan(_leaving(call, asked), call.user), timeout_s=REMOVE_TIMEOUT_S)


def _leaving(call: Call, asked: SeparateParameters) -> LeaveCluster:
    return LeaveCluster(force=asked.force, even_if_alive=asked.even_if_alive, user=call.user)


async def undo_join(call: Call, asked: LeaveParameters) -> str:
    return (await gateway.call(UndoJoin(force=asked.force, user=call.user)))["upid"]


async def former_stores(_call: Call, _asked: NoParameters) -> dict[str, Any]:
    return await gateway.call(FormerStores())


async def remove_node(call: Call, asked: NodeParameters) -> None:
    await gateway.call(RemoveNode(node=asked.node, user=call.user), timeout_s=REMOVE_TIMEOUT_S)


async def begin_removal(call: Call, asked: NodeParameters) -> str:
    return (await gateway.call(RemoveNode(node=asked.node, task=True, user=call.user)))["upid"]


async def removal_plan(_call: Call, asked: NodeParameters) -> dict[str, Any]:
    return await gateway.call(RemovalPlan(node=asked.node))


async def removed_nodes(_call: Call, _asked: NoParameters) -> list[dict[str, Any]]:
    return await gateway.call(RemovedNodes())


async def undo_removal(call: Call, asked: NodeParameters) -> list[str]:
    undone = await gateway.call(UndoRemoval(node=asked.node, user=call.user), timeout_s=REMOVE_TIMEOUT_S)
    return undone["warnings"]


ENDPOINTS = (
    Endpoint("DELETE", "/cluster/config/nodes/{node}", "Remove another node.", remove_node, ROOT, NodeParameters),
    Endpoint(
        "GET",
        "/cluster/config/nodes/{node}/removal",
        "What removing a node would mean for votes and quorum, and what names it.",
        removal_plan,
        AUDIT,
        NodeParameters,
        Removal,
    ),
    Endpoint(
        "POST",
        "/cluster/config/nodes/{node}/removal",
        "Remove another node as a task.",
        begin_removal,
        ROOT,
        NodeParameters,
        str,
    ),
    Endpoint(
        "GET", "/cluster/config/removed", "The nodes that were removed or left.", removed_nodes, AUDIT,
        returns=list[Removed],
    ),
    Endpoint(
        "POST",
        "/cluster/config/removed/{node}/undo",
        "Take a removal back, within a day; the answer is what could not be put back.",
        undo_removal,
        ROOT,
        NodeParameters,
        list[str],
    ),
    Endpoint(
        "GET", "/cluster/config/undo-join", "What this node was before it joined, and the copies of its own store.",
        former_stores, ROOT, returns=Former,
    ),
    Endpoint(
        "POST", "/cluster/config/undo-join", "Leave, and be again what this node was before it joined, within a day.",
        undo_join, ROOT, LeaveParameters, str,
    ),
    Endpoint(
        "POST", "/cluster/config/leave", "Take this node out of its cluster.", leave, ROOT, SeparateParameters, str
    ),
    Endpoint(
        "GET", "/cluster/config/leave", "What leaving would do; tries whether absent nodes answer.", leaving_plan, ROOT,
        SeparateParameters, Foretold,
    ),
)  # fmt: skip
