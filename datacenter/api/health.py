"""/quire/health: how the cluster is, why, and what could be arranged better; the same as pages and `pvecm status`."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from cluster.core.advice import advice
from cluster.core.health import health
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Row
from datacenter.api.permission import AUDIT
from datacenter.api.snapshot import cluster_state


class ReasonRow(Row):
    """`since_s` is unix, null where it is not known."""

    level: str
    kind: str
    short: str
    sentence: str
    since_s: float | None


class AdviceRow(Row):
    code: str
    title: str
    sentence: str
    step: str


class HealthRow(Row):
    """`level` is good, warning, bad, unknown, or plain for a node on its own; reasons come worst first."""

    level: str
    word: str
    sentence: str
    reasons: list[ReasonRow]
    advice: list[AdviceRow]


async def tell(_call: Call, _asked: NoParameters) -> dict[str, Any]:
    state, now_s = await cluster_state(), time.time()
    found: dict[str, Any] = msgspec.to_builtins(health(state, now_s))
    return found | {"advice": msgspec.to_builtins(advice(state, now_s))}


ENDPOINTS = (
    Endpoint(
        "GET", "/quire/health", "How the cluster is, why, and what could be arranged better.", tell, AUDIT,
        returns=HealthRow,
    ),
)  # fmt: skip
