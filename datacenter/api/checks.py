"""/cluster/config/check, verify, leftovers and preflight: looking before a node creates or joins, and at any time.

A pre-flight is begun and then followed by its id; what members do for a node that would join is asked by that node.
"""

from __future__ import annotations

from typing import Any

from cluster.control.check_requests import (
    CheckCreate,
    CheckJoin,
    CheckState,
    MembersPreflight,
    RemoveLeftovers,
    TokenPreflight,
)
from cluster.control.requests import CheckNode, DecodeInvitation, VerifyCluster
from cluster.errors import InvalidInput
from cluster.secret import Secret
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.membership import LinkParameters
from datacenter.api.permission import AUDIT, PUBLIC, ROOT
from datacenter.api.types import Address, Count, Filter, Fingerprint, Host, NodeId, NodeName, Password, Time, Token

LOOK_S = 25.0  # members answer within 12 s, or are told of as silent
INVITATION_FORM = "Give the join information, or the peer's hostname with its fingerprint."


class CheckParameters(LinkParameters, kw_only=True):
    """Without a peer the check is for creating a cluster."""

    invitation: str | None = None
    hostname: Host | None = None
    fingerprint: Fingerprint | None = None
    password: Password | None = None
    nodeid: NodeId | None = None


class FollowParameters(Parameters, kw_only=True):
    id: Filter
    after: Count | None = None


class MemberParameters(LinkParameters, kw_only=True):
    node: NodeName
    address: Address
    port: Count
    nonce: Filter


class TokenMemberParameters(MemberParameters, kw_only=True):
    token: Token
    cluster: Token | None = None
    time: Time


class FindingRow(Row):
    """`severity` is ok, info, warning or error; `fix` names what can be done by a program: remove-leftovers (DELETE
    /cluster/config/leftovers), choose-address, or empty."""

    code: str
    severity: str
    sentence: str
    firm: bool
    node: str
    why: str
    advice: str
    fix: str


class Begun(Row):
    id: str


class CheckRow(Row):
    id: str
    kind: str
    done: bool
    findings: list[FindingRow]


class Verified(Row):
    """Of each node what it said; `online` alone for one that did not answer."""

    nodes: list[dict[str, Any]]
    findings: list[FindingRow]


class SetAside(Row):
    """`backup` is the folder's name among this node's backups, empty where there was nothing."""

    backup: str
    files: list[str]


class LookedAt(Row):
    """`nodes` are facts, ways and `apart_s` of each member (cluster/core/survey.py)."""

    nodes: list[dict[str, Any]]
    now_s: float
    took_s: float


async def check(_call: Call, _asked: NoParameters) -> list[dict[str, Any]]:
    return await gateway.call(CheckNode(), timeout_s=LOOK_S)


async def begin(call: Call, asked: CheckParameters) -> dict[str, Any]:
    if not asked.invitation and not asked.hostname:
        return await gateway.call(CheckCreate(links=asked.links(), user=call.user))
    shown: dict[str, Any] = await gateway.call(DecodeInvitation(text=asked.invitation)) if asked.invitation else {}
    hostname, fingerprint = shown.get("address") or asked.hostname, shown.get("fingerprint") or asked.fingerprint
    if not hostname or not fingerprint:
        raise InvalidInput(INVITATION_FORM, fields={"fingerprint": INVITATION_FORM})
    request = CheckJoin(
        hostname=hostname, fingerprint=fingerprint.upper(), password=Secret(asked.password or ""),
        links=asked.links(), nodeid=asked.nodeid, token=Secret(shown.get("token", "")),
        cluster_uuid=shown.get("cluster_uuid", ""), user=call.user,
    )  # fmt: skip
    return await gateway.call(request)


async def follow(call: Call, asked: FollowParameters) -> dict[str, Any]:
    after = -1 if asked.after is None else asked.after
    request = CheckState(id=asked.id, after=after, wait_s=0 if asked.after is None else 10, user=call.user)
    return await gateway.call(request, timeout_s=LOOK_S)


async def verify(_call: Call, _asked: NoParameters) -> dict[str, Any]:
    return await gateway.call(VerifyCluster(), timeout_s=LOOK_S)


async def remove_leftovers(call: Call, _asked: NoParameters) -> dict[str, Any]:
    return await gateway.call(RemoveLeftovers(user=call.user))


async def as_member(call: Call, asked: MemberParameters) -> dict[str, Any]:
    request = MembersPreflight(
        node=asked.node, address=asked.address, port=asked.port, nonce=asked.nonce, links=asked.links(), user=call.user
    )
    return await gateway.call(request, timeout_s=LOOK_S)


async def by_token(_call: Call, asked: TokenMemberParameters) -> dict[str, Any]:
    request = TokenPreflight(
        token=Secret(asked.token), cluster=asked.cluster or "", time=asked.time, node=asked.node,
        address=asked.address, port=asked.port, nonce=asked.nonce, links=asked.links(),
    )  # fmt: skip
    return await gateway.call(request, timeout_s=LOOK_S)


CONFIG = "/cluster/config"
ENDPOINTS = (
    Endpoint("GET", f"{CONFIG}/check", "Whether this node is in order, or fit to be a member.", check, AUDIT,
             returns=list[FindingRow]),
    Endpoint("POST", f"{CONFIG}/check", "Look whether this node can create a cluster, or join one.", begin, ROOT,
             CheckParameters, Begun),
    Endpoint("GET", f"{CONFIG}/check/{{id}}", "What such a look has found; with `after`, when there is more.", follow,
             AUDIT, FollowParameters, CheckRow),
    Endpoint("GET", f"{CONFIG}/verify", "Compare all nodes.", verify, AUDIT, returns=Verified),
    Endpoint("DELETE", f"{CONFIG}/leftovers", "Move what a former cluster left here into a backup.", remove_leftovers,
             ROOT, returns=SetAside),
    Endpoint("POST", f"{CONFIG}/preflight", "Look at a node that would join; asked by that node.", as_member, ROOT,
             MemberParameters, LookedAt),
    # Public: who joins with a token has nothing else to show.
    Endpoint("POST", f"{CONFIG}/tokens/preflight", "The same, for a join token.", by_token, PUBLIC,
             TokenMemberParameters, LookedAt),
)  # fmt: skip
