"""/cluster/events: what all nodes recorded, newest first, with causes. Quire's own; Proxmox VE has no such path."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from cluster.control.flight_requests import FlightEvents
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Parameters, Row
from datacenter.api.permission import AUDIT
from datacenter.api.types import Count, Flag, NodeName, Time

Kind = Literal["membership", "quorum", "link", "store", "lock", "config", "task", "node", "alert"]


class EventParameters(Parameters, kw_only=True):
    kind: Kind | None = None
    node: NodeName | None = None
    since: Time | None = None
    until: Time | None = None
    limit: Count = 200


class EventRow(Row):
    """`cause` is a sentence, empty where nothing recorded explains the event; `sees` are the nodes the recording one
    was together with from then on."""

    id: str
    time: float
    node: str
    kind: str
    code: str
    about: str
    sentence: str
    cause: str
    user: str
    door: str
    by: str
    revision: str
    count: int
    number: int
    life: str
    mono_s: float
    link: int | UnsetType = UNSET
    sees: list[str] | UnsetType = UNSET
    quorate: bool | UnsetType = UNSET


class EventView(Row, kw_only=True):
    """One node's own view: whether it answers now, and since when it is unknown if it does not."""

    name: str
    online: Flag
    known: Flag
    since: float | UnsetType = UNSET
    reason: str


class EventPart(Row):
    nodes: list[str]
    quorate: bool | None


class EventParting(Row, kw_only=True):
    """A time in which nodes that were alive did not see each other; `to` is absent while it lasts."""

    start: float
    end: float | UnsetType = UNSET
    parts: list[EventPart]


class Events(Row):
    events: list[EventRow]
    nodes: list[EventView]
    partings: list[EventParting]


async def events(call: Call, asked: EventParameters) -> dict[str, Any]:
    wanted = FlightEvents(since_s=asked.since, until_s=asked.until, limit=asked.limit, user=call.user)
    wanted.kinds = [asked.kind] if asked.kind else []
    wanted.nodes = [asked.node] if asked.node else []
    found = await gateway.call(wanted)
    return {
        "events": found["events"],
        "nodes": [_view(node) for node in found["nodes"]],
        "partings": [_parting(one) for one in found["partings"]],
    }


def _view(node: dict[str, Any]) -> dict[str, Any]:
    since = {"since": node["since_s"]} if node["since_s"] is not None else {}
    flags = {name: int(node[name]) for name in ("online", "known")}
    return {"name": node["name"], "reason": node["reason"]} | flags | since


def _parting(one: dict[str, Any]) -> dict[str, Any]:
    end = {"end": one["to_s"]} if one["to_s"] is not None else {}
    return {"start": one["from_s"], "parts": one["parts"]} | end


ENDPOINTS = (
    Endpoint(
        "GET", "/cluster/events", "What all nodes recorded, with causes and each node's view.", events, AUDIT,
        EventParameters, Events,
    ),
)  # fmt: skip
