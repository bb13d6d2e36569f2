"""daphne's server object on a reactor that already runs: what connects connections and the application.

daphne's own `run()` starts and ends the process; here only the parts in between are used: making an application for a
request, carrying replies, reaping. Import only after `reactor.install()`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from daphne.http_protocol import WebRequest
from daphne.server import Server
from twisted.internet import reactor

from datacenter.web.bodies import Application
from datacenter.web.channel import ConnectionFactory
from datacenter.web.websocket import (
    HANDSHAKE_SECONDS_MAX,
    PING_EVERY_SECONDS,
    PING_TIMEOUT_SECONDS,
    SERVICE_RESTART,
    LiveSocket,
    LiveSocketFactory,
)


class Serving(Server):
    """All that is being served now."""

    def __init__(self, application: Application, request_seconds_max: int) -> None:
        super().__init__(
            application,
            endpoints=["ours"],  # daphne insists on one; ours is opened by `server.py`
            http_timeout=request_seconds_max,
            ping_interval=PING_EVERY_SECONDS,
            ping_timeout=PING_TIMEOUT_SECONDS,
            websocket_connect_timeout=HANDSHAKE_SECONDS_MAX,
            server_name="",
            verbosity=0,
        )
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = ConnectionFactory(self)
        self.ws_factory = LiveSocketFactory(self)
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)

    def stop(self) -> None:
        """daphne would stop the reactor, which is not ours to stop."""

    def running_requests(self) -> list[asyncio.Future[Any]]:
        return [
            details["application_instance"]
            for protocol, details in self.connections.items()
            if isinstance(protocol, WebRequest) and _is_running(details)
        ]

    def refuse_more(self) -> None:
        """Nothing new on open connections: idle ones close now, busy ones after their answer, sockets are told to
        come back later."""
        for connection in list(self.http_factory.connections):
            if connection.requests:
                connection.persistent = False
            else:
                connection.loseConnection()
        for socket in self._sockets():
            socket.say_close(SERVICE_RESTART)

    def close(self) -> None:
        """End what still runs."""
        for details in list(self.connections.values()):
            if _is_running(details):
                details["application_instance"].cancel()
        for connection in list(self.http_factory.connections):
            connection.loseConnection()

    async def closed(self, timeout_s: float) -> None:
        """Wait until the last application has ended and the last bytes are gone; then drop what is left."""
        running = [details["application_instance"] for details in self.connections.values() if _is_running(details)]
        if running:
            await asyncio.wait(running, timeout=timeout_s)
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while (self.http_factory.connections or self._sockets()) and loop.time() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # Twisted tells its own protocols, not us, when they have closed
        for connection in list(self.http_factory.connections):
            connection.forceAbortClient()
        for socket in self._sockets():
            socket.dropConnection(abort=True)

    def _sockets(self) -> list[LiveSocket]:
        return [
            protocol
            for protocol, details in self.connections.items()
            if isinstance(protocol, LiveSocket) and "disconnected" not in details
        ]


def _is_running(details: dict[str, Any]) -> bool:
    return "application_instance" in details and not details["application_instance"].done()
