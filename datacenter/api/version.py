"""/version: what this node speaks."""

from __future__ import annotations

from typing import Any

from cluster.control.requests import Version
from datacenter import gateway
from datacenter.api.endpoint import Call, Endpoint, NoParameters

SAID = ("version", "release", "repoid")


async def version(_call: Call, _asked: NoParameters) -> dict[str, Any]:
    known = await gateway.call(Version())
    return {name: known[name] for name in SAID}


ENDPOINTS = (
    Endpoint("GET", "/version", "The version of the API.", version, "any", returns="{version, release, repoid}"),
)
