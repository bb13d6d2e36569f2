"""/quire/store/conflicts: changes that this node had and the cluster did not keep; shown, and made again by hand."""

from __future__ import annotations

from typing import Any, Literal

from cluster.control.requests import StoreConflict, StoreConflictRestore, StoreConflicts
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Parameters, Row
from datacenter.api.permission import ROOT
from datacenter.api.store import DoneRow, encoded, named
from datacenter.api.types import ConflictId, Count, RequestId


class ListParameters(Parameters, kw_only=True):
    limit: Count = 50


class ConflictParameters(Parameters, kw_only=True):
    conflict: ConflictId


class MakeParameters(ConflictParameters, kw_only=True, rename="kebab"):
    request_id: RequestId | None = None


class OperationRow(Row):
    what: str
    path: str
    size: int


class ContentRow(OperationRow):
    encoding: Literal["text", "base64"] | None
    content: str | None


class ConflictRow(Row):
    id: str
    time: int
    revision: str
    user: str
    door: str
    node: str
    made: float
    operations: list[OperationRow]


class WholeConflictRow(ConflictRow):
    operations: list[ContentRow]  # type: ignore[assignment]


async def listing(call: Call, asked: ListParameters) -> list[dict[str, Any]]:
    return [_row(one) for one in await gateway.call(StoreConflicts(asked.limit, call.user))]


async def show(call: Call, asked: ConflictParameters) -> dict[str, Any]:
    found = await gateway.call(StoreConflict(asked.conflict, call.user))
    whole = [
        {name: one[name] for name in ("what", "path", "size")} | encoded(one["data"]) for one in found["operations"]
    ]
    return _row(found) | {"operations": whole}


async def make_again(call: Call, asked: MakeParameters) -> dict[str, Any]:
    done = await gateway.call(StoreConflictRestore(asked.conflict, asked.request_id, call.user))
    return {"revision": named(done["revision"]), "paths": done["paths"]}


def _row(one: dict[str, Any]) -> dict[str, Any]:
    kept = {name: one[name] for name in ("id", "user", "door", "node", "operations")}
    return kept | {"time": one["time_s"], "made": one["made_s"], "revision": named(one["revision"])}


ENDPOINTS = (
    Endpoint(
        "GET", "/quire/store/conflicts", "Changes the cluster did not keep, newest first.", listing, ROOT,
        ListParameters, list[ConflictRow],
    ),
    Endpoint(
        "GET", "/quire/store/conflicts/{conflict}", "One of them, with what it would have written.", show, ROOT,
        ConflictParameters, WholeConflictRow, secret=True,
    ),
    Endpoint(
        "POST", "/quire/store/conflicts/{conflict}", "Make such a change now, over whatever is there.", make_again,
        ROOT, MakeParameters, DoneRow,
    ),
)  # fmt: skip
