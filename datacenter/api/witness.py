"""/cluster/config/qdevice: the cluster's witness set up, looked at and taken away. Its GET is Proxmox VE's and stays in
`membership.py`."""

from __future__ import annotations

from typing import Any

import msgspec

from cluster.control.witness_requests import RemoveWitness, SetUpWitness, WitnessTold
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.permission import AUDIT, ROOT
from datacenter.api.types import Text


class SetUpParameters(Parameters, kw_only=True):
    """`invitation` is the line that script/witness printed on the witness's host; `force`: also for an odd number of
    nodes."""

    invitation: Text
    force: bool = False


class NodesPart(Row):
    """A node's part in asking the witness; `state` is corosync-qdevice's word, empty where it does not run."""

    node: str
    installed: bool
    state: str
    connected: bool
    since_s: float | None
    vote: bool
    trouble: str


class WitnessRow(Row):
    """`host` is empty where there is no witness. `votes` is what corosync counts here now of `configured_votes`;
    `resting`: it has none while the number of nodes is odd; `managed`: it was set up here, not by hand."""

    host: str
    algorithm: str
    configured_votes: int
    votes: int
    resting: bool
    managed: bool
    connected: bool
    since_s: float | None
    advice: str
    nodes: list[NodesPart] = msgspec.field(default_factory=list)


async def set_up(call: Call, asked: SetUpParameters) -> str:
    request = SetUpWitness(invitation=asked.invitation, force=asked.force, user=call.user)
    return (await gateway.call(request))["upid"]


async def remove(call: Call, _asked: NoParameters) -> str:
    return (await gateway.call(RemoveWitness(user=call.user)))["upid"]


async def told(_call: Call, _asked: NoParameters) -> dict[str, Any]:
    found = await gateway.call(WitnessTold())
    parts = [{"node": node, **seen} for node, seen in found.pop("seen")]
    kept = NodesPart.__struct_fields__
    return {**found, "nodes": [{name: part[name] for name in kept} for part in parts]}


ENDPOINTS = (
    Endpoint("POST", "/cluster/config/qdevice", "Give the cluster a witness.", set_up, ROOT, SetUpParameters, str),
    Endpoint("DELETE", "/cluster/config/qdevice", "Take the cluster's witness away.", remove, ROOT, returns=str),
    Endpoint(
        "GET", "/cluster/config/qdevice/status", "The witness, and who is connected to it.", told, AUDIT,
        returns=WitnessRow,
    ),
)  # fmt: skip
