"""What each request on the control socket does, one module per noun; `table` joins them.

A handler reads the node's parts and answers, or starts a task. Shapes of requests and answers are in
`cluster/control/requests.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler, StreamHandler
from cluster.control.requests import Request
from cluster.node.access import needs
from cluster.node.handlers import (
    access,
    alerts,
    checks,
    configuration,
    conflicts,
    exchange,
    expected,
    flight,
    former,
    history,
    host,
    importing,
    join_tokens,
    links,
    nodes,
    openid,
    peers,
    planning,
    realms,
    rights,
    root_session,
    second_factors,
    standing,
    status,
    store,
    supposing,
    tasks,
    user_tokens,
    users,
    witness,
)

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


MODULES = (
    expected,
    status, configuration, tasks, store, history, conflicts, exchange, checks, host, links, nodes, peers,
    supposing, access, alerts, flight, users, user_tokens, second_factors, rights, realms, openid, root_session,
    standing, join_tokens, planning, former, witness, importing,
)  # fmt: skip


def table(node: Daemon) -> dict[type[Request], Handler]:
    """Every handler behind the question whether the request's user may."""
    found: dict[type[Request], Handler] = {}
    for module in MODULES:
        found.update({kind: _guarded(node, handler) for kind, handler in module.handlers(node).items()})
    return found


def streams(node: Daemon) -> dict[type[Request], StreamHandler]:
    return status.streams(node)


def _guarded(node: Daemon, handler: Handler) -> Handler:
    async def guarded(request: Any) -> Any:
        needs.check(node.access.rights, request)
        return await handler(request)

    return guarded
