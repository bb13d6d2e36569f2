"""/nodes/{node}/rrddata: a node's figures over time, a row per step of the timeframe.

Figures travel between nodes, so every node tells every node's. A figure that is not known is absent from its row.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cluster.control.node_requests import NodeHistory
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Parameters, Row
from datacenter.api.permission import NODE_AUDIT
from datacenter.api.types import NodeName

SAME = (
    "maxcpu", "cpu", "memtotal", "memused", "memavailable", "swaptotal", "swapused", "roottotal", "rootused",
    "pressurecpusome", "pressureiosome", "pressureiofull", "pressurememorysome", "pressurememoryfull",
)  # fmt: skip
OTHERWISE = {"loadavg": "loadavg1", "iowait": "wait", "netin": "netin_rate", "netout": "netout_rate"}
METRICS = {**{name: name for name in SAME}, **OTHERWISE}


class HistoryParameters(Parameters, kw_only=True):
    node: NodeName
    timeframe: Literal["hour", "day", "week", "month", "year", "decade"]
    cf: Literal["AVERAGE", "MAX"] = "AVERAGE"


Point: Any = msgspec.defstruct(
    "Point",
    [("time", int), *((name, float | UnsetType, UNSET) for name in METRICS)],
    bases=(Row,),
    kw_only=True,
    forbid_unknown_fields=True,
)


async def rrddata(_call: Call, asked: HistoryParameters) -> list[dict[str, Any]]:
    rows = await gateway.call(NodeHistory(asked.node, asked.timeframe, asked.cf == "MAX"))
    return [
        {"time": row["time"]} | {name: row[metric] for name, metric in METRICS.items() if metric in row} for row in rows
    ]


ENDPOINTS = (
    Endpoint(
        "GET", "/nodes/{node}/rrddata", "A node's figures over time.", rrddata, NODE_AUDIT, HistoryParameters,
        list[Point],
    ),
)  # fmt: skip
