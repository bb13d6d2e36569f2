"""The first byte of a connection decides: TLS goes on, plain HTTP is sent to the same address with https.

Also the place where the number of connections is bounded. Import only after `reactor.install()`.
"""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.policies import TimeoutMixin
from twisted.protocols.tls import TLSMemoryBIOFactory

CONNECTIONS_MAX = 1000
FIRST_BYTES_SECONDS_MAX = 10
PLAIN_REQUEST_BYTES_MAX = 8192

TLS_HANDSHAKE = 0x16  # the record type every TLS connection begins with (RFC 8446, 5.1)
REQUEST_LINE = re.compile(rb"([A-Z]{3,7}) (/[!-~]{0,2000}) HTTP/1\.[01]")
HOST_HEADER = re.compile(
    rb"host:[ \t]*([A-Za-z0-9.\-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?[ \t]*", re.IGNORECASE
)


class Doorway(Protocol, TimeoutMixin):
    """One new connection, until it is known what it speaks."""

    def __init__(self, factory: DoorwayFactory, address: Any) -> None:
        self.factory = factory
        self._address = address
        self._received = b""

    def connectionMade(self) -> None:
        self.factory.undecided.add(self)
        self.setTimeout(FIRST_BYTES_SECONDS_MAX)

    def connectionLost(self, reason: Any = None) -> None:
        self._leave()

    def timeoutConnection(self) -> None:
        self.transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        if not self._received and data[0] == TLS_HANDSHAKE:
            self._speak_tls(data)
            return
        self._received += data
        if b"\r\n\r\n" in self._received or len(self._received) > PLAIN_REQUEST_BYTES_MAX:
            self.transport.write(redirection(self._received))
            self.transport.loseConnection()

    def _speak_tls(self, data: bytes) -> None:
        self._leave()
        transport = self.transport
        protocol = self.factory.tls.buildProtocol(self._address)
        transport.protocol = protocol
        protocol.makeConnection(transport)
        protocol.dataReceived(data)

    def _leave(self) -> None:
        self.setTimeout(None)
        self.factory.undecided.discard(self)


class DoorwayFactory(Factory):
    """Makes a `Doorway` per connection, as long as there are not too many."""

    noisy = False

    def __init__(self, tls: TLSMemoryBIOFactory) -> None:
        self.tls = tls
        self.undecided: set[Doorway] = set()

    def buildProtocol(self, addr: Any) -> Doorway | None:
        if len(self.undecided) + len(self.tls.protocols) >= CONNECTIONS_MAX:
            return None  # Twisted closes the socket
        return Doorway(self, addr)


def redirection(request: bytes) -> bytes:
    """The answer to a request in plain HTTP: the same address with https, or 400 when there is no telling which."""
    lines = request.split(b"\r\n")
    asked = REQUEST_LINE.fullmatch(lines[0])
    host = next((found for line in lines[1:] if (found := HOST_HEADER.fullmatch(line))), None)
    if asked is None or host is None:
        return b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    # 308 keeps the method and the body; old clients know only 301, which for GET means the same.
    status = b"301 Moved Permanently" if asked[1] in (b"GET", b"HEAD") else b"308 Permanent Redirect"
    location = b"https://" + host[1] + (host[2] or b"") + asked[2]
    return b"HTTP/1.1 " + status + b"\r\nLocation: " + location + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
