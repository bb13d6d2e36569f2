"""A process with a fake node and the API behind the real web server, for tests to speak to: `… DIR PORT`.

DIR holds cert.pem and key.pem. Beside the API it answers a few paths of its own that are slow, large or broken. It
prints "ready" when it listens and ends on SIGTERM.
"""

from __future__ import annotations

import asyncio
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "datacenter.settings")

LARGE = b"quire " * 2000


async def site(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await echo(receive, send)
    elif scope["path"].startswith("/test/"):
        await answer(scope, receive, send)
    else:
        await pages()(scope, receive, send)


async def echo(receive: Any, send: Any) -> None:
    """Says what it hears; `wait` makes it stop listening."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        if message["text"] == "wait":
            await asyncio.sleep(60)
        await send({"type": "websocket.send", "text": message["text"]})


async def answer(scope: Any, receive: Any, send: Any) -> None:
    asked = (await receive())["body"]
    name = scope["path"].removeprefix("/test/")
    headers = {"content-type": "text/plain"}
    if name == "slow":
        print("slow began", flush=True)
        await asyncio.sleep(1.0)
    if name == "broken":
        raise RuntimeError("broken on purpose")
    if name == "secret":
        headers["cache-control"] = "no-store, no-transform"
    if name == "page":
        headers["content-type"] = "text/html; charset=utf-8"
    if name == "public":
        headers |= {"content-type": "text/html; charset=utf-8", "quire-holds-no-secret": "yes"}
    if name == "image":
        headers["content-type"] = "image/png"
    if name == "headers":
        headers["content-type"] = "text/plain"
        asked = b"\n".join(key + b": " + value for key, value in scope["headers"]) + scope["root_path"].encode()
    pairs = [(key.encode(), value.encode()) for key, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": pairs})
    if name == "parts":
        await send({"type": "http.response.body", "body": LARGE, "more_body": True})
    large = name in ("large", "secret", "page", "public", "image")
    await send({"type": "http.response.body", "body": LARGE if large else asked})


@cache
def pages() -> Any:
    from django.conf import settings
    from django.core.asgi import get_asgi_application

    settings.ROOT_URLCONF = "tests.api.urls"
    settings.QUIRE_LOGIN_DELAY_S = 0
    return get_asgi_application()


async def main(folder: Path, port: int) -> None:
    from datacenter.web import site as web_site
    from datacenter.web.running import stop_requested
    from datacenter.web.server import WebServer
    from tests.api.fake_node import FakeNode

    stop = stop_requested()
    web_site.adopt(folder / "control.sock", "")
    node = FakeNode(folder / "control.sock")
    await node.start()
    pages()
    server = WebServer(site, "127.0.0.1", port, folder / "cert.pem", folder / "key.pem")
    await server.start()
    print("ready", flush=True)
    await stop.wait()
    await server.stop()
    await node.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
