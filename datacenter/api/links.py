"""/cluster/config/links: what every node measures on its links, and changing them on trial."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from cluster.control.link_requests import (
    ChangeLinks,
    ConfirmLinks,
    LinkHistory,
    Links,
    LinkTrial,
    PlanLinks,
    RevertLinks,
)
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.permission import AUDIT, NODE_AUDIT, ROOT
from datacenter.api.types import Count, LinkWish, NodeName

CHANGE_TIMEOUT_S = 30.0


class NodeParameters(Parameters, kw_only=True):
    node: NodeName


class LinkRow(Row):
    """One link of `node` towards `peer` as `node` measures it. Latencies are microseconds, `loss` a share of one; what
    a node has not told is null."""

    node: str
    peer: str
    link: int
    address: str
    peer_address: str
    connected: bool | None
    latency_us: int | None
    latency_ave_us: int | None
    latency_max_us: int | None
    loss: float | None
    retries: int | None
    flaps: int | None
    mtu: int | None


class HistoryParameters(Parameters, kw_only=True):
    """Of the link with this number between two nodes."""

    node: NodeName
    peer: NodeName
    link: Count
    timeframe: Literal["hour", "day"] = "hour"


class LatencyRow(Row):
    """One step, from `time` (unix) on: the mean and the greatest latency, null where nothing is known."""

    time: int
    latency_us: int | None
    latency_max_us: int | None
    down: bool


class LatencyHistory(Row):
    """`there` as `node` measured it, `back` as `peer` did."""

    step_s: int
    there: list[LatencyRow]
    back: list[LatencyRow]


async def history(_call: Call, asked: HistoryParameters) -> dict[str, Any]:
    return await gateway.call(LinkHistory(asked.node, asked.peer, asked.link, asked.timeframe))


async def links(_call: Call, _asked: NoParameters) -> list[dict[str, Any]]:
    return await gateway.call(Links())


async def node_links(_call: Call, asked: NodeParameters) -> list[dict[str, Any]]:
    return [row for row in await gateway.call(Links()) if row["node"] == asked.node]


class ChangeParameters(Parameters, kw_only=True):
    """A link is written as `NODE=ADDRESS,NODE=ADDRESS,priority=N`, or as `remove`."""

    link0: LinkWish | None = None
    link1: LinkWish | None = None
    link2: LinkWish | None = None
    link3: LinkWish | None = None
    link4: LinkWish | None = None
    link5: LinkWish | None = None
    link6: LinkWish | None = None
    link7: LinkWish | None = None
    confirm_s: Count = msgspec.field(default=60, name="confirm-s")
    at_once: bool = msgspec.field(default=False, name="at-once")

    def wishes(self) -> dict[int, str]:
        texts = {number: getattr(self, f"link{number}") for number in range(8)}
        return {number: text for number, text in texts.items() if text is not None}


class Plan(Row):
    steps: list[str]
    warnings: list[str]


class Trial(Row):
    """The change of links on trial, who began it, and until when (unix) it may be confirmed."""

    user: str
    deadline_s: float


async def plan(_call: Call, asked: ChangeParameters) -> dict[str, Any]:
    return await gateway.call(PlanLinks(links=asked.wishes()))


async def change(call: Call, asked: ChangeParameters) -> str:
    wishes = asked.wishes()
    request = ChangeLinks(links=wishes, confirm_s=asked.confirm_s, at_once=asked.at_once, user=call.user)
    return (await gateway.call(request))["upid"]


async def trial(_call: Call, _asked: NoParameters) -> dict[str, Any] | None:
    return await gateway.call(LinkTrial())


async def confirm(call: Call, _asked: NoParameters) -> None:
    await gateway.call(ConfirmLinks(user=call.user), timeout_s=CHANGE_TIMEOUT_S)


async def revert(call: Call, _asked: NoParameters) -> None:
    await gateway.call(RevertLinks(user=call.user), timeout_s=CHANGE_TIMEOUT_S)


ENDPOINTS = (
    Endpoint(
        "GET", "/cluster/config/links/history", "What the latency of a link between two nodes was.", history, AUDIT,
        HistoryParameters, LatencyHistory,
    ),
    Endpoint(
        "PUT", "/cluster/config/links", "Change links of the running cluster, on trial.", change, ROOT,
        ChangeParameters, str,
    ),
    Endpoint(
        "GET", "/cluster/config/links/plan", "What changing links would come to.", plan, AUDIT, ChangeParameters, Plan
    ),
    Endpoint("GET", "/cluster/config/links/trial", "The change of links on trial.", trial, AUDIT, returns=Trial | None),
    Endpoint("POST", "/cluster/config/links/trial", "Keep the change of links on trial.", confirm, ROOT),
    Endpoint("DELETE", "/cluster/config/links/trial", "Take back the change of links on trial.", revert, ROOT),
    Endpoint(
        "GET", "/cluster/config/links", "Every node's links towards its peers, measured.", links, AUDIT,
        returns=list[LinkRow],
    ),
    Endpoint(
        "GET", "/nodes/{node}/links", "A node's links towards its peers, measured now.", node_links, NODE_AUDIT,
        NodeParameters, list[LinkRow], on_node=True,
    ),
)  # fmt: skip
