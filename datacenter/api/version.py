"""/version: what this node speaks."""

from __future__ import annotations

from typing import Any

from cluster.control.requests import Version
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Row
from datacenter.api.permission import SIGNED_IN

SAID = ("version", "release", "repoid")


class VersionRow(Row):
    version: str
    release: str
    repoid: str


async def version(_call: Call, _asked: NoParameters) -> dict[str, Any]:
    known = await gateway.call(Version())
    return {name: known[name] for name in SAID}


ENDPOINTS = (Endpoint("GET", "/version", "The version of the API.", version, SIGNED_IN, returns=VersionRow),)
