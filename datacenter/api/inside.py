"""Pages ask the API here, without a request of their own: one description, one check, one handler for both.

What a page sends is read by the endpoint's own parameters and refused in its own words; the caller's rights are looked
at as they would be over HTTPS. A request about another node is carried there with the browser's own ticket.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from cluster.control.node_requests import ForwardCall
from cluster.errors import PeerError
from datacenter import gateway
from datacenter.api import forward, parameters
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Listed
from datacenter.api.permission import require
from datacenter.api.table import ENDPOINTS


@cache
def endpoint(method: str, path: str) -> Endpoint:
    """By its own path, with the names of parameters in it."""
    return next(each for each in ENDPOINTS if (each.method, each.path) == (method, path))


async def ask(request: Any, method: str, path: str, given: Mapping[str, Any] | None = None) -> Any:
    """What the endpoint answers to whoever sent `request`; a list without its length. Raises QuireError."""
    found, given = endpoint(method, path), dict(given or {})
    in_path = {step[1:-1]: str(given.get(step[1:-1], "")) for step in path.split("/") if step.startswith("{")}
    elsewhere = await forward.resolve(in_path) if path.startswith("/nodes/{node}") else False
    call = Call.of(request)
    await require(call, found.permission.at(in_path))
    if elsewhere and found.on_node:
        return await _from_node(request, found, in_path, given)
    answer = await found.handler(call, parameters.read(found.parameters, {**given, **in_path}))
    return answer.rows if isinstance(answer, Listed) else answer


async def _from_node(request: Any, found: Endpoint, in_path: dict[str, str], given: dict[str, Any]) -> Any:
    """Raises PeerError with what the other node says."""
    steps = (in_path[step[1:-1]] if step.startswith("{") else step for step in found.path.split("/"))
    more = urlencode({name: value for name, value in given.items() if name not in in_path})
    asked = ForwardCall(
        node=in_path["node"],
        http_method=found.method,
        target="json" + "/".join(quote(step, safe="") for step in steps) + (f"?{more}" if more else ""),
        credentials=forward.credentials(request),
        content_type="",
        body=b"",
    )
    answer = await gateway.call(asked, timeout_s=forward.TIMEOUT_S)
    try:
        told = json.loads(answer["body"])
        if answer["status"] != 200:
            raise PeerError(f"{in_path['node']} answered: {str(told.get('message') or answer['reason']).strip()}")
        return told["data"]
    except (ValueError, KeyError, AttributeError):
        raise PeerError(f"{in_path['node']} answered with what is not an API's answer.") from None
