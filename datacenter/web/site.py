"""Our site behind our web server: settings that follow the node's options, and the certificate once there is one.

Used by `runnode --web` and by `runweb`; knows neither of them.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from django.conf import settings

from cluster.control.requests import Subscribe, WebFiles
from cluster.errors import QuireError
from datacenter import environment, gateway
from datacenter.web import redis_rights
from datacenter.web.forward import Forwarder
from datacenter.web.server import WebServer, prepare

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.05
ASK_EVERY_S = 0.5
SAY_AFTER_S = 15.0


def adopt(socket: Path | str, redis_url: str) -> None:
    """Let the site know this node's socket, and how changes reach its pages."""
    settings.QUIRE_SOCKET = str(socket)
    if redis_url != settings.QUIRE_REDIS_URL:
        settings.QUIRE_REDIS_URL = redis_url
        settings.CHANNEL_LAYERS = {"default": _layer(redis_url)}


def through_redis() -> bool:
    return bool(settings.QUIRE_REDIS_URL)


def look_at_redis() -> asyncio.Task[None]:
    """Beside everything else, once: nothing waits for it."""
    return asyncio.create_task(redis_rights.warn(settings.QUIRE_REDIS_URL))


def _layer(redis_url: str) -> dict[str, Any]:
    """As in `settings.py`, for an address that came as an option."""
    if not redis_url:
        return {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 256}}
    prefix = environment.text("QUIRE_REDIS_PREFIX", "quire")
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [redis_url], "prefix": prefix},
    }


def load() -> None:
    """Import the site and the server before anything urgent runs on the loop."""
    import datacenter.asgi  # noqa: F401

    prepare()


async def open_site(address: str, port: int, certificate: Path, key: Path) -> WebServer:
    """Serve the site as soon as the certificate is there. Raises `Unavailable` when the port cannot be had."""
    from datacenter.asgi import application

    await _wait_for(certificate, key)
    server = WebServer(application, address, port, certificate, key)
    await server.start()
    return server


async def certificate_files() -> tuple[Path, Path]:
    """Where the daemon keeps the certificate and its key, as soon as it can be asked."""
    said = False
    while True:
        try:
            files = await gateway.call(WebFiles())
            return Path(files["certificate"]), Path(files["key"])
        except QuireError as error:
            if not said:
                logger.warning("waiting for this node's daemon: %s", error.message)
            said = True
        await asyncio.sleep(ASK_EVERY_S)


async def follow_daemon(forwarder: Forwarder) -> None:
    """Carry changes from the daemon's socket to this process's own channel layer, for ever."""
    said = False
    while True:
        try:
            number = -1
            async for item in gateway.client().stream(Subscribe()):
                if number < 0:
                    forwarder.source, said = item["source"], False
                else:
                    forwarder.offer(item)
                number = item["number"]
        except QuireError as error:
            if not said:
                logger.warning("live updates are paused: %s", error.message)
            said = True
        await asyncio.sleep(ASK_EVERY_S)


async def _wait_for(certificate: Path, key: Path) -> None:
    """A node makes its certificate once its store can be written, which in a cluster takes a majority."""
    loop = asyncio.get_running_loop()
    say_at = loop.time() + SAY_AFTER_S
    while not (certificate.exists() and key.exists()):  # noqa: ASYNC110  (another process writes them)
        await asyncio.sleep(LOOK_EVERY_S)
        if loop.time() > say_at:
            logger.warning("there is no certificate to serve pages with yet; the store cannot be written")
            say_at = float("inf")
