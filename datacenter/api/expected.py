"""/cluster/config/expected: expecting fewer votes for a while, and what that would mean."""

from __future__ import annotations

from typing import Any

import msgspec

from cluster.control.link_requests import PlanExpected, SetExpected
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Parameters, Row
from datacenter.api.permission import AUDIT, ROOT
from datacenter.api.types import Count

TIMEOUT_S = 20.0


class PlanParameters(Parameters, kw_only=True):
    expected: Count


class SetParameters(PlanParameters, kw_only=True):
    lasts_s: Count = msgspec.field(default=600, name="lasts-s")
    force: bool = False


class Absent(Row):
    """A node that is not a member; it is not off when something answers at one of its addresses."""

    node: str
    votes: int
    answers_at: list[str]


class Plan(Row):
    votes: int
    configured_votes: int
    present_votes: int
    needed_now: int
    needed_votes: int
    quorate: bool
    absent: list[Absent]
    sentences: list[str]
    obstacle: str


async def plan(_call: Call, asked: PlanParameters) -> dict[str, Any]:
    return await gateway.call(PlanExpected(expected=asked.expected), timeout_s=TIMEOUT_S)


async def set_expected(call: Call, asked: SetParameters) -> dict[str, Any]:
    request = SetExpected(expected=asked.expected, lasts_s=asked.lasts_s, force=asked.force, user=call.user)
    return await gateway.call(request, timeout_s=TIMEOUT_S)


ENDPOINTS = (
    Endpoint(
        "GET", "/cluster/config/expected", "What expecting so many votes would mean.", plan, AUDIT, PlanParameters, Plan
    ),
    Endpoint(
        "PUT", "/cluster/config/expected", "Expect fewer votes for a while.", set_expected, ROOT, SetParameters, Plan
    ),
)  # fmt: skip
