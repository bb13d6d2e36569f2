"""Endpoints that hand their parameters on: the daemon is asked for whoever calls, and what it answers is the answer.

Parameters and request have their fields' names in common; a text where the request wants a list is a list with commas.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from cluster.control.requests import Request
from datacenter import gateway
from datacenter.api.call import Call
from datacenter.api.endpoint import Handler, Parameters

SEPARATORS = re.compile(r"[,; ]+")


def asks(kind: type[Request]) -> Handler:
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}

    async def handler(call: Call, asked: Parameters) -> Any:
        given = {name: value for name, value in msgspec.structs.asdict(asked).items() if value is not None}
        for name, value in given.items():
            if isinstance(value, str) and "list" in str(fields[name]):
                given[name] = listed(value)
        if "address" in fields:
            given["address"] = call.address
        if "origin" in fields:
            given["origin"] = call.origin
        if "in_browser" in fields:
            given["in_browser"] = call.in_browser
        # Whoever guessed before waits for their turn.
        timeout_s = gateway.PASSWORD_TIMEOUT_S if "in_browser" in fields else None
        return await gateway.call(kind(user=call.user, **given), timeout_s)

    return handler


def listed(text: str) -> list[str]:
    return [each for each in SEPARATORS.split(text) if each]
