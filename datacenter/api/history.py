"""/nodes/{node}/rrddata: a node's figures over time, for as far as they are kept: the latest reading that was shared.

Figures travel between nodes, so every node tells every node's. A figure that is not known is absent.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Parameters, Row
from datacenter.api.permission import NODE_AUDIT
from datacenter.api.snapshot import node_state
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
    sample = (await node_state(asked.node)).sample
    if sample is None:
        return []
    found = {name: sample.values[metric] for name, metric in METRICS.items() if metric in sample.values}
    return [{"time": int(sample.time_s), **found}]


ENDPOINTS = (
    Endpoint(
        "GET", "/nodes/{node}/rrddata", "A node's figures over time.", rrddata, NODE_AUDIT, HistoryParameters,
        list[Point],
    ),
)  # fmt: skip
