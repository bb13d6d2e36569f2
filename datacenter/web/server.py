"""The web server as one object: start it on an address with an ASGI application, stop it without cutting answers short.

It runs on the event loop of its caller, beside whatever else runs there. Knows no signals and no process: who starts it
decides when it ends. Twisted is imported in `start`, once the loop is known (see `reactor.py`).
"""

from __future__ import annotations

import asyncio
import logging
import resource
from pathlib import Path
from typing import Any

from cluster.errors import Unavailable
from datacenter.web.bodies import Application, with_bodies_finished

logger = logging.getLogger(__name__)

BACKLOG = 128
OPEN_FILES_WANTED = 8192
REQUEST_SECONDS_MAX = 300  # for one answer; the slowest is a newcomer fetching the store's history
DRAIN_SECONDS_MAX = 5.0
GOODBYE_SECONDS_MAX = 1.0


def prepare() -> None:
    """Load what serving takes, which is half a second's work, before the loop has anything urgent to do."""
    from datacenter.web import reactor

    reactor.install()
    from datacenter.web import doorway, serving, tls  # noqa: F401


class WebServer:
    """Serves `application` with TLS at `address`:`port`."""

    def __init__(self, application: Application, address: str, port: int, certificate: Path, key: Path) -> None:
        self.application = application
        self.address = address
        self.port = port
        self.certificate = certificate
        self.key = key
        self._listener: Any = None
        self._served: Any = None

    async def start(self) -> None:
        """Listen. Raises `Unavailable` when the certificate cannot be used or the port cannot be had."""
        prepare()
        from twisted.internet import reactor as running_reactor
        from twisted.internet.error import CannotListenError
        from twisted.protocols.tls import TLSMemoryBIOFactory

        from datacenter.web.doorway import DoorwayFactory
        from datacenter.web.serving import Serving
        from datacenter.web.tls import CertificateFiles

        _raise_open_files_limit()
        certificates = CertificateFiles(self.certificate, self.key)
        self._served = Serving(with_bodies_finished(self.application), REQUEST_SECONDS_MAX)
        tls = TLSMemoryBIOFactory(certificates, False, self._served.http_factory)
        try:
            self._listener = running_reactor.listenTCP(
                self.port, DoorwayFactory(tls), backlog=BACKLOG, interface=self.address
            )
        except CannotListenError as error:
            raise Unavailable(f"cannot listen on {self.address} port {self.port}: {error.socketError}") from None

    async def stop(self, drain_s: float = DRAIN_SECONDS_MAX) -> None:
        """Take no more connections, let running requests end for at most `drain_s`, then close. Never raises."""
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        await _settled(listener.stopListening())
        served = self._served
        served.refuse_more()
        await _all_done(served.running_requests(), drain_s)
        served.close()
        await served.closed(GOODBYE_SECONDS_MAX)


async def _settled(deferred: Any) -> None:
    if deferred is None:
        return
    try:
        await asyncio.wait_for(deferred.asFuture(asyncio.get_running_loop()), GOODBYE_SECONDS_MAX)
    except Exception as error:
        logger.warning("the listening socket did not close cleanly: %s", error)


async def _all_done(running: list[asyncio.Future[Any]], timeout_s: float) -> None:
    if not running:
        return
    _, late = await asyncio.wait(running, timeout=timeout_s)
    if late:
        logger.warning("%d requests were still running after %.0f s and are cut off", len(late), timeout_s)


def _raise_open_files_limit() -> None:
    """Every browser page holds a socket; the usual soft limit of 1024 is our own bound on connections, with no room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES_WANTED if hard == resource.RLIM_INFINITY else min(OPEN_FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
