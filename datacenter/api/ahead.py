"""/quire/what-if: who would go on if nodes or links failed. Looks only, and touches nothing."""

from __future__ import annotations

from typing import Any

from cluster.control.supposition_requests import WhatIf
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Parameters, Row
from datacenter.api.permission import AUDIT
from datacenter.api.types import Supposed


class WhatIfParameters(Parameters, kw_only=True):
    off: Supposed = ""
    split: Supposed = ""
    links: Supposed = ""
    witness: bool = True
    anew: bool = False


class SupposedSide(Row):
    """Nodes that would see each other. `quorate` and `writable` are null where that cannot be foretold; `apart` are
    pairs of its nodes without a link. `store_votes` of `store_needed` are what counts for writing: no witness."""

    nodes: list[str]
    level: str
    votes: int
    expected_votes: int
    needed_votes: int
    witness: bool
    quorate: bool | None
    writable: bool | None
    store_votes: int
    store_needed: int
    spare_votes: int
    apart: list[list[str]]
    sentences: list[str]


class SupposedCluster(Row):
    level: str
    sentence: str
    step: str
    consequences: list[str]
    configured_votes: int
    off: list[str]
    has_witness: bool
    sides: list[SupposedSide]


async def what_if(_call: Call, asked: WhatIfParameters) -> dict[str, Any]:
    return await gateway.call(WhatIf(asked.off, asked.split, asked.links, asked.witness, asked.anew))


ENDPOINTS = (
    Endpoint(
        "GET", "/quire/what-if", "Who would go on if nodes or links were off, or the nodes were split.", what_if, AUDIT,
        WhatIfParameters, SupposedCluster,
    ),
)  # fmt: skip
