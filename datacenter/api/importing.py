"""/cluster/config/join: what a node brings along when it joins, and what a cluster has already. Additions of ours."""

from __future__ import annotations

from typing import Any

from cluster.control.import_requests import ContentTaken, PlanImport
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Row
from datacenter.api.permission import ROOT


class Taken(Row):
    """SHA-1 of files by path and of storages by the head of their section, and the numbers of guests."""

    files: dict[str, str]
    storages: dict[str, str]
    guests: list[int]


class Imported(Row):
    """`becomes`: kept, renamed, re-numbered or dropped."""

    path: str
    what: str
    becomes: str
    sentence: str


async def taken(call: Call, _asked: NoParameters) -> dict[str, Any]:
    return await gateway.call(ContentTaken(call.user))


async def plan(call: Call, _asked: NoParameters) -> list[dict[str, Any]]:
    return await gateway.call(PlanImport(call.user))


ENDPOINTS = (
    Endpoint(
        "GET", "/cluster/config/join/taken", "What a joining node's own files could collide with.", taken, ROOT,
        returns=Taken,
    ),
    Endpoint(
        "GET", "/cluster/config/join/import", "What this node would bring along where nothing collides.", plan, ROOT,
        returns=list[Imported],
    ),
)  # fmt: skip
