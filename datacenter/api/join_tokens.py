"""/cluster/config/tokens: join tokens are made, listed and revoked here; a joining node asks the two that show one, and
is itself asked to join with one at /cluster/config/join/token."""

from __future__ import annotations

from typing import Any

from cluster.control.requests import DecodeInvitation, JoinCluster
from cluster.control.token_requests import TokenAdd, TokenCreate, TokenOpen, TokenRevoke, TokenRows
from cluster.errors import InvalidInput
from cluster.secret import Secret
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.membership import (
    ADD_TIMEOUT_S,
    Addition,
    AddParameters,
    JoinInformation,
    JoiningParameters,
    join_at,
)
from datacenter.api.permission import AUDIT, PUBLIC, ROOT
from datacenter.api.types import Count, Filter, LongText, Time, Token

NO_TOKEN = "There is no join token in it. Make one with POST /cluster/config/tokens, or join with the peer's password."


class NewToken(Parameters, kw_only=True):
    name: Filter
    uses: Count = 1
    hours: Count = 3


class NamedToken(Parameters, kw_only=True):
    name: Filter


class ShownToken(Parameters, kw_only=True):
    """What a joining node shows: its token, the cluster it means (empty: any), and its clock."""

    token: Token
    cluster: Token | None = None
    time: Time


class AddWithToken(AddParameters, kw_only=True):
    token: Token
    cluster: Token | None = None
    time: Time


class InvitedParameters(JoiningParameters, kw_only=True):
    """`invitation` is join information with a join token in it: no password is needed."""

    invitation: LongText


class MadeToken(Row):
    """`invitation` is the join string with the token in it; nobody can read it again."""

    name: str
    uses: int
    expires_s: int
    invitation: str
    command: str
    address: str
    fingerprint: str


class ListedToken(Row):
    name: str
    state: str
    uses: int
    used_by: list[str]
    made_s: int
    expires_s: int
    user: str


class Opened(Row):
    apiversion: int
    information: JoinInformation


async def create(call: Call, asked: NewToken) -> dict[str, Any]:
    return await gateway.call(TokenCreate(name=asked.name, uses=asked.uses, hours=asked.hours, user=call.user))


async def rows(_call: Call, _asked: NoParameters) -> list[dict[str, Any]]:
    return await gateway.call(TokenRows())


async def revoke(call: Call, asked: NamedToken) -> None:
    await gateway.call(TokenRevoke(name=asked.name, user=call.user))


async def opened(_call: Call, asked: ShownToken) -> dict[str, Any]:
    return await gateway.call(TokenOpen(token=Secret(asked.token), cluster=asked.cluster or "", time=asked.time))


async def add(_call: Call, asked: AddWithToken) -> dict[str, Any]:
    request = TokenAdd(
        token=Secret(asked.token),
        cluster=asked.cluster or "",
        time=asked.time,
        node=asked.node,
        links=asked.links(),
        nodeid=asked.nodeid,
        votes=asked.votes,
        force=asked.force,
        new_node_ip=asked.new_node_ip,
        apiversion=asked.apiversion,
    )
    return await gateway.call(request, timeout_s=ADD_TIMEOUT_S)


async def join(call: Call, asked: InvitedParameters) -> str:
    shown = await gateway.call(DecodeInvitation(text=asked.invitation))
    if not shown["token"]:
        raise InvalidInput(NO_TOKEN, fields={"invitation": NO_TOKEN})
    peer = JoinCluster(
        hostname=shown["address"],
        fingerprint=shown["fingerprint"],
        token=Secret(shown["token"]),
        cluster_uuid=shown["cluster_uuid"],
    )
    return await join_at(peer, call, asked)


TOKENS = "/cluster/config/tokens"
ENDPOINTS = (
    Endpoint("GET", TOKENS, "The join tokens.", rows, AUDIT, returns=list[ListedToken]),
    Endpoint("POST", TOKENS, "Make a join token.", create, ROOT, NewToken, MadeToken, secret=True),
    Endpoint("DELETE", TOKENS, "Revoke a join token.", revoke, ROOT, NamedToken),
    Endpoint(
        "POST", "/cluster/config/join/token", "Join this node to another's cluster by join information with a token.",
        join, ROOT, InvitedParameters, str,
    ),
    # Public, both: who joins with a token has nothing else to show.
    Endpoint("POST", f"{TOKENS}/open", "What a join token opens.", opened, PUBLIC, ShownToken, Opened),
    Endpoint(
        "POST", f"{TOKENS}/nodes/{{node}}", "Add a node by a token.", add, PUBLIC, AddWithToken, Addition, secret=True
    ),
)  # fmt: skip
