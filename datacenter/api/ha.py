"""/cluster/ha/status: high availability as far as it is here: the quorum. No service is watched, so no manager runs."""

from __future__ import annotations

import time
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Row
from datacenter.api.permission import AUDIT
from datacenter.api.snapshot import cluster_state
from datacenter.api.types import Flag


class HaRow(Row):
    id: str
    type: Literal["quorum", "master", "lrm", "service", "fencing"]
    node: str
    status: str
    quorate: Flag | UnsetType = UNSET
    timestamp: int | UnsetType = UNSET


class Quorum(Row):
    node: str
    quorate: Flag


class ManagerStatus(Row):
    manager_status: dict[str, Any]
    lrm_status: dict[str, Any]
    quorum: Quorum


async def current(_call: Call, _asked: NoParameters) -> list[HaRow]:
    quorum = await _quorum()
    word = "OK" if quorum.quorate else "No quorum on node"
    return [HaRow(id="quorum", type="quorum", node=quorum.node, status=word, quorate=quorum.quorate)]


async def manager_status(_call: Call, _asked: NoParameters) -> ManagerStatus:
    return ManagerStatus(
        manager_status={"node_status": {}, "service_status": {}, "timestamp": int(time.time())},
        lrm_status={},
        quorum=await _quorum(),
    )


async def _quorum() -> Quorum:
    state = await cluster_state()
    quorate = not state.in_cluster or (state.quorum is not None and state.quorum.quorate)
    return Quorum(node=state.local_node, quorate=1 if quorate else 0)


ENDPOINTS = (
    Endpoint("GET", "/cluster/ha/status/current", "HA now.", current, AUDIT, returns=list[HaRow]),
    Endpoint("GET", "/cluster/ha/status/manager_status", "HA's manager.", manager_status, AUDIT, returns=ManagerStatus),
)
