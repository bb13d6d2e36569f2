"""A request about another node, carried there: any node is the front door to all.

The way is the daemon's (`cluster/node/forwarding.py`); here it is decided what goes along: the path and the parameters
as they came, and of the headers only those that say who asks. The other node checks all of it itself.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse

from cluster.control.node_requests import ForwardCall, LocateNode
from cluster.errors import PeerError
from cluster.secret import Secret
from datacenter import gateway
from datacenter.access.middleware import CSRF_HEADER
from datacenter.access.tickets import COOKIE
from datacenter.api import envelope, parameters
from datacenter.api.endpoint import Endpoint

HOPS_HEADER = "PVEDisableProxy"
TIMEOUT_S = 35.0


async def resolve(in_path: dict[str, str]) -> bool:
    """Whether `node` in the path is another one than this; `localhost` is replaced by its name. Raises NotFound."""
    found = await gateway.call(LocateNode(in_path["node"]))
    in_path["node"] = found["name"]
    return not found["local"]


async def to_node(request: HttpRequest, form: str, endpoint: Endpoint, in_path: dict[str, str]) -> HttpResponse:
    """What the other node answers, as it came. Raises QuireError where it cannot be asked."""
    if request.headers.get(HOPS_HEADER):
        raise PeerError(f"node '{in_path['node']}' is not where another node took it to be")
    body = b"" if endpoint.method in ("GET", "DELETE") else parameters.body_of(request)
    answer = await gateway.call(
        ForwardCall(
            node=in_path["node"],
            http_method=endpoint.method,
            target=_target(request, form, endpoint, in_path),
            credentials=credentials(request),
            content_type=request.content_type or "",
            body=body,
        ),
        timeout_s=TIMEOUT_S,
    )
    return envelope.carried(answer, endpoint.secret)


def _target(request: HttpRequest, form: str, endpoint: Endpoint, in_path: dict[str, str]) -> str:
    """Written anew from the endpoint's own path, so that nothing odd in what came goes on."""
    steps = (in_path[step[1:-1]] if step.startswith("{") else step for step in endpoint.path.split("/"))
    query = quote(request.META.get("QUERY_STRING", ""), safe="%&=+;:@/?!$'()*,-._~")
    return form + "/".join(quote(step, safe="") for step in steps) + (f"?{query}" if query else "")


def credentials(request: Any) -> dict[str, Secret]:
    """As a program would send them: a browser's cookie has a name of its own."""
    found: dict[str, Any] = {name: request.headers.get(name) for name in ("Authorization", CSRF_HEADER)}
    user = request.quire_user
    if user is not None and not user.is_token:
        found = {"Cookie": f"{COOKIE}={quote(user.ticket.reveal(), safe='')}", CSRF_HEADER: found[CSRF_HEADER]}
    return {name: Secret(value) for name, value in found.items() if value}
