"""/cluster/log: what happened lately on any node. Whoever may not look at everything sees what they did themselves."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from cluster.control.requests import ClusterLog
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Parameters, Row
from datacenter.api.permission import SIGNED_IN, perm, permitted
from datacenter.api.types import Count

USUALLY = 50
EVERYBODY_S = perm("/", "Sys.Syslog")


class LogParameters(Parameters, kw_only=True):
    max: Count = USUALLY


class LogRow(Row):
    id: str
    uid: int
    time: int
    pri: Annotated[int, Meta(ge=0, le=7)]
    tag: str
    pid: int
    node: str
    user: str
    msg: str


async def cluster_log(call: Call, asked: LogParameters) -> list[dict[str, Any]]:
    everybody_s = await permitted(call, EVERYBODY_S)
    rows = await gateway.call(ClusterLog(asked.max, None if everybody_s else call.user))
    return [{"id": f"{row['uid']}:{row['node']}", **row} for row in rows]


ENDPOINTS = (
    Endpoint(
        "GET", "/cluster/log", "What happened lately, newest first.", cluster_log, SIGNED_IN, LogParameters,
        list[LogRow],
    ),
)  # fmt: skip
