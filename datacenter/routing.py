"""Which path is which socket. There is one: /live. Any other is closed before it opens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from datacenter.live.consumers import LiveConsumer

PATH = "/live"
live = LiveConsumer.as_asgi()


async def sockets(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[..., Any]) -> None:
    if scope["path"] == PATH:
        await live(scope, receive, send)
        return
    await receive()  # the request to connect
    await send({"type": "websocket.close", "code": 4404})
