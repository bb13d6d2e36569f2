"""/cluster/log: what happened lately on any node. Whoever may not look at everything sees what they did themselves."""

from __future__ import annotations

from typing import Any

from cluster.control.requests import ClusterLog
from datacenter import gateway
from datacenter.api.endpoint import Call, Endpoint, Parameters
from datacenter.api.types import Count

ROOT = "root@pam"
USUALLY = 50

Row = dict[str, Any]


class LogParameters(Parameters, kw_only=True):
    max: Count = USUALLY


async def cluster_log(call: Call, asked: LogParameters) -> list[Row]:
    rows = await gateway.call(ClusterLog(asked.max, None if call.user == ROOT else call.user))
    return [{"id": f"{row['uid']}:{row['node']}", **row} for row in rows]


ENDPOINTS = (
    Endpoint(
        "GET", "/cluster/log", "What happened lately, newest first.", cluster_log, "any", LogParameters,
        "[{id, uid, time, pri, tag, pid, node, user, msg}]",
    ),
)  # fmt: skip
