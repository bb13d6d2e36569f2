"""/cluster/config: creating a cluster, joining one, adding a node, and what corosync.conf says.

Values that come from corosync.conf stay strings, as clients expect. Beyond its form a value is the daemon's to check.
"""

from __future__ import annotations

from typing import Any

import msgspec

from cluster.control.node_requests import QdeviceStatus
from cluster.control.requests import (
    AddNode,
    ClusterConfig,
    CreateCluster,
    JoinCluster,
    JoinInfo,
    UndoAddNode,
)
from cluster.secret import Secret
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, OpenRow, Parameters, Row
from datacenter.api.permission import AUDIT, PUBLIC, ROOT
from datacenter.api.types import (
    Address,
    ClusterName,
    Coefficient,
    Count,
    Fingerprint,
    Host,
    LinkText,
    NodeId,
    NodeName,
    Password,
    Token,
    Votes,
    VotesAtLeastOne,
    plain_link,
)

API_VERSION = 1
# Adding a node takes a lock, a majority's acknowledgement and a reload of corosync on every member.
ADD_TIMEOUT_S = 60.0


class LinkParameters(Parameters, kw_only=True):
    link0: LinkText | None = None
    link1: LinkText | None = None
    link2: LinkText | None = None
    link3: LinkText | None = None
    link4: LinkText | None = None
    link5: LinkText | None = None
    link6: LinkText | None = None
    link7: LinkText | None = None

    def links(self) -> dict[int, str]:
        texts = {number: getattr(self, f"link{number}") for number in range(8)}
        return {number: plain_link(text) for number, text in texts.items() if text is not None}


class CreateParameters(LinkParameters, kw_only=True):
    clustername: ClusterName
    nodeid: NodeId | None = None
    votes: VotesAtLeastOne | None = None
    token_coefficient: Coefficient = msgspec.field(default=125, name="token-coefficient")


class JoiningParameters(LinkParameters, kw_only=True):
    """What both ways of joining may be asked for beside the peer."""

    nodeid: NodeId | None = None
    votes: Votes | None = None
    force: bool = False
    brings: bool = msgspec.field(default=False, name="import")


class JoinParameters(JoiningParameters, kw_only=True):
    hostname: Host
    fingerprint: Fingerprint
    password: Password


class AddParameters(LinkParameters, kw_only=True):
    node: NodeName
    nodeid: NodeId | None = None
    votes: Votes | None = None
    force: bool = False
    new_node_ip: Address | None = None
    apiversion: Count = 0


class UndoParameters(Parameters, kw_only=True):
    node: NodeName
    undo_token: Token


class JoinInfoParameters(Parameters, kw_only=True):
    node: NodeName | None = None


class ConfiguredNode(OpenRow):
    """A node's block of corosync.conf: `ring0_addr` … `ring7_addr` and every other key, all texts."""

    node: str
    name: str
    nodeid: str


class ListedNode(OpenRow):
    """The same, and how the node is reached."""

    name: str
    nodeid: str
    pve_addr: str
    pve_fp: str


class JoinInformation(Row):
    preferred_node: str
    config_digest: str
    totem: dict[str, Any]
    nodelist: list[ListedNode]


class Addition(Row):
    corosync_authkey: str
    corosync_conf: str
    warnings: list[str]
    undo_token: str
    cluster_uuid: str


async def create(call: Call, asked: CreateParameters) -> str:
    request = CreateCluster(
        clustername=asked.clustername,
        links=asked.links(),
        nodeid=asked.nodeid,
        votes=asked.votes,
        token_coefficient=asked.token_coefficient,
        user=call.user,
    )
    return (await gateway.call(request))["upid"]


async def join(call: Call, asked: JoinParameters) -> str:
    fingerprint, password = asked.fingerprint.upper(), Secret(asked.password)
    return await join_at(JoinCluster(hostname=asked.hostname, fingerprint=fingerprint, password=password), call, asked)


async def join_at(peer: JoinCluster, call: Call, asked: JoiningParameters) -> str:
    """→ the task's upid. `peer` says where to join, and by what it lets this node in."""
    request = msgspec.structs.replace(
        peer,
        links=asked.links(),
        nodeid=asked.nodeid,
        votes=asked.votes,
        force=asked.force,
        brings=asked.brings,
        user=call.user,
    )
    return (await gateway.call(request))["upid"]


async def add_node(call: Call, asked: AddParameters) -> dict[str, Any]:
    request = AddNode(
        node=asked.node,
        links=asked.links(),
        nodeid=asked.nodeid,
        votes=asked.votes,
        force=asked.force,
        new_node_ip=asked.new_node_ip,
        apiversion=asked.apiversion,
        user=call.user,
    )
    return await gateway.call(request, timeout_s=ADD_TIMEOUT_S)


async def undo_add_node(_call: Call, asked: UndoParameters) -> None:
    await gateway.call(UndoAddNode(node=asked.node, undo_token=Secret(asked.undo_token)), timeout_s=ADD_TIMEOUT_S)


async def join_information(_call: Call, asked: JoinInfoParameters) -> dict[str, Any]:
    return await gateway.call(JoinInfo(node=asked.node))


async def nodes(_call: Call, _asked: NoParameters) -> list[dict[str, Any]]:
    return (await gateway.call(ClusterConfig()))["nodes"]


async def totem(_call: Call, _asked: NoParameters) -> dict[str, Any] | None:
    return (await gateway.call(ClusterConfig()))["totem"]


async def api_version(_call: Call, _asked: NoParameters) -> int:
    return API_VERSION


async def qdevice(_call: Call, _asked: NoParameters) -> dict[str, str]:
    return await gateway.call(QdeviceStatus())


ENDPOINTS = (
    Endpoint("GET", "/cluster/config/qdevice", "The QDevice.", qdevice, AUDIT, returns=dict[str, str]),
    Endpoint("POST", "/cluster/config", "Create a cluster with this node in it.", create, ROOT, CreateParameters, str),
    Endpoint(
        "GET",
        "/cluster/config/join",
        "What a node needs to know to join.",
        join_information,
        AUDIT,
        JoinInfoParameters,
        JoinInformation,
    ),
    Endpoint("POST", "/cluster/config/join", "Join this node to another's cluster.", join, ROOT, JoinParameters, str),
    Endpoint("GET", "/cluster/config/nodes", "The configured nodes.", nodes, AUDIT, returns=list[ConfiguredNode]),
    Endpoint(
        "POST",
        "/cluster/config/nodes/{node}",
        "Add a node; asked by the node that joins.",
        add_node,
        ROOT,
        AddParameters,
        Addition,
        secret=True,
    ),
    # Public: who joins may have lost its ticket's worth with its store. The token is good for this one addition.
    Endpoint(
        "POST",
        "/cluster/config/nodes/{node}/undo",
        "Take back the adding of a node that never came online.",
        undo_add_node,
        PUBLIC,
        UndoParameters,
    ),
    Endpoint("GET", "/cluster/config/apiversion", "The version of joining.", api_version, AUDIT, returns=int),
    Endpoint("GET", "/cluster/config/totem", "The totem section.", totem, AUDIT, returns=dict[str, Any] | None),
)
