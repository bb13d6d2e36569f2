"""/cluster/config: another name for a node or for the cluster, as a task, and the plan of it. Additions of ours."""

from __future__ import annotations

from typing import Any

from cluster.control import plan_requests as planning
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Parameters
from datacenter.api.permission import ROOT
from datacenter.api.removal import Foretold
from datacenter.api.types import ClusterName, NodeName

PLAN_TIMEOUT_S = 35.0


class NodeParameters(Parameters, kw_only=True):
    node: NodeName
    name: NodeName


class ClusterParameters(Parameters, kw_only=True):
    clustername: ClusterName


async def rename_node(call: Call, asked: NodeParameters) -> str:
    return (await gateway.call(planning.Rename(asked.name, asked.node, call.user)))["upid"]


async def rename_cluster(call: Call, asked: ClusterParameters) -> str:
    return (await gateway.call(planning.Rename(asked.clustername, "", call.user)))["upid"]


async def node_plan(call: Call, asked: NodeParameters) -> dict[str, Any]:
    return await _plan(call, planning.Rename(asked.name, asked.node, call.user))


async def cluster_plan(call: Call, asked: ClusterParameters) -> dict[str, Any]:
    return await _plan(call, planning.Rename(asked.clustername, "", call.user))


async def _plan(call: Call, asked: planning.Rename) -> dict[str, Any]:
    return await gateway.call(planning.Plan(asked, call.user), timeout_s=PLAN_TIMEOUT_S)


ENDPOINTS = (
    Endpoint(
        "POST", "/cluster/config/nodes/{node}/rename", "Give a node another name, as a task.", rename_node, ROOT,
        NodeParameters, str,
    ),
    Endpoint(
        "GET", "/cluster/config/nodes/{node}/rename", "What renaming a node would do.", node_plan, ROOT,
        NodeParameters, Foretold,
    ),
    Endpoint(
        "POST", "/cluster/config/rename", "Give the cluster another name, as a task.", rename_cluster, ROOT,
        ClusterParameters, str,
    ),
    Endpoint(
        "GET", "/cluster/config/rename", "What renaming the cluster would do.", cluster_plan, ROOT, ClusterParameters,
        Foretold,
    ),
)  # fmt: skip
