"""The site's one way to the node's daemon: the only module that imports `cluster.control.client`.

Knows the socket's path and the bound on a call, and nothing of what a request means; those are in
`cluster/control/requests.py`. Views and consumers call `gateway.call(request)` and catch `QuireError`.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

from django.conf import settings

from cluster.control.client import Client
from cluster.control.requests import Request
from cluster.secret import Secret

# The daemon makes guessers wait their turn; whoever waits longer is told to come again.
PASSWORD_TIMEOUT_S = 45.0
# The ticket or API token that came with what is being answered: the daemon believes no name without it.
shown_by: ContextVar[Secret | None] = ContextVar("shown_by", default=None)

_clients: dict[str, tuple[asyncio.AbstractEventLoop, Client]] = {}


def client() -> Client:
    """This process's one client; made anew when the event loop is another one (tests) or the socket's path changes."""
    loop, path = asyncio.get_running_loop(), str(settings.QUIRE_SOCKET)
    known = _clients.get(path)
    if known is None or known[0] is not loop:
        known = _clients[path] = (loop, Client(path))
    return known[1]


async def call(request: Request, timeout_s: float | None = None) -> Any:
    """Ask the daemon. Raises the `QuireError` it answered with, `Unavailable` when it does not answer."""
    by = shown_by.get() if getattr(request, "user", None) is not None else None
    return await client().call(request, timeout_s or settings.QUIRE_CALL_TIMEOUT_S, by)
