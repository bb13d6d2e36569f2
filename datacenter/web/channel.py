"""One HTTP/1.1 connection and the requests on it: daphne's, made stricter at the door and given reason phrases.

What a stranger can send is bounded here before any of it reaches the application: header lines and bytes, the body's
size, the time to send a request, methods, doubled and disguised headers. Twisted parses, daphne turns requests into
ASGI; both are classes we extend at the points they offer. Import only after `reactor.install()`.
"""

from __future__ import annotations

import re
from typing import Any

from daphne.http_protocol import HTTPFactory, WebRequest
from twisted.web.http import HTTPChannel, Request

BODY_BYTES_MAX = 512 * 1024
FILE_BYTES_MAX = 1536 * 1024  # the largest file of the store, as base64 in a form
FILE_PATH = b"/quire/store/file"
HEADER_LINES_MAX = 64
HEADER_BYTES_MAX = 16 * 1024
REQUEST_SECONDS_MAX = 20  # from a request's first line to its last byte
IDLE_SECONDS_MAX = 60  # a connection that says nothing
LINGER_SECONDS = 2  # after a refusal the rest of what the client sends is read and dropped, so that it sees why
LINGER_BYTES_MAX = 4 * 1024 * 1024

METHODS = {b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"}
# Two of any of these could be read differently by two readers.
ONCE = (b"Host", b"Authorization", b"Content-Type", b"Origin", b"CSRFPreventionToken", b"Upgrade")
HOST = re.compile(rb"(?:[A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f]*:[0-9A-Fa-f:.]{1,45}\])(?::([0-9]{1,5}))?")
PORT_MAX = 65535
REASON_HEADER = b"x-quire-reason"  # the application's reason phrase; ASGI has no place for one
REASON_BYTES_MAX = 512


class Exchange(WebRequest):
    """A request and its answer."""

    error_template = "%(title)s: %(body)s\n"

    def __init__(self, channel: Any, queued: object = False) -> None:
        # Bodies are the application's to parse: Twisted would also take multipart forms apart, at our cost.
        super().__init__(channel, queued, parsePOSTFormSubmission=False)

    def process(self) -> Any:
        if self.method not in METHODS:
            self.responseHeaders.setRawHeaders(b"Allow", [b", ".join(sorted(METHODS))])
            return self.basic_error(405, b"Method Not Allowed", "This method is not understood here.")
        if not self.path.startswith(b"/"):
            return self.basic_error(400, b"Bad Request", "The address must be a path.")
        for name in ONCE:
            if len(self.requestHeaders.getRawHeaders(name, [])) > 1:
                return self.basic_error(400, b"Bad Request", f"{name.decode()} is given more than once.")
        if not is_host(self.requestHeaders.getRawHeaders(b"Host", []), self.clientproto):
            return self.basic_error(400, b"Bad Request", "The host's name is none.")
        # daphne would let this header move the application to another root.
        self.requestHeaders.removeHeader(b"Daphne-Root-Path")
        processed = super().process()
        if self.transport is None:  # the connection now belongs to a websocket
            self.channel.factory.connections.discard(self.channel)
        return processed

    def handle_reply(self, message: dict[str, Any]) -> None:
        if message["type"] != "http.response.start" or self.finished or self.channel is None:
            super().handle_reply(message)
            return
        headers = list(message.get("headers", []))
        reason = next((value for name, value in headers if name.lower() == REASON_HEADER), None)
        super().handle_reply({**message, "headers": [pair for pair in headers if pair[0].lower() != REASON_HEADER]})
        if reason is not None:
            Request.setResponseCode(self, message["status"], phrase(reason))

    def basic_error(self, status: int, status_text: bytes, body: str) -> None:
        """Answer without the application: one line of text, and nothing about who wrote the server."""
        if self._response_started:
            if self.channel is not None:
                self.channel.loseConnection()
            return
        text = (self.error_template % {"title": f"{status} {status_text.decode('ascii')}", "body": body}).encode()
        headers = [
            (b"Content-Type", b"text/plain; charset=utf-8"),
            (b"Content-Length", str(len(text)).encode()),
            (b"Cache-Control", b"no-store"),
            (b"X-Content-Type-Options", b"nosniff"),
            (b"Content-Security-Policy", b"default-src 'none'; frame-ancestors 'none'"),
            (b"Referrer-Policy", b"no-referrer"),
        ]
        self.handle_reply({"type": "http.response.start", "status": status, "headers": headers})
        self.handle_reply({"type": "http.response.body", "body": text})

    def check_timeouts(self) -> None:
        if not self.finished and not self._disconnected:
            super().check_timeouts()


def is_host(named: list[bytes], version: bytes) -> bool:
    """Whether the one Host is a name or an address, with a port or without; HTTP/1.0 may leave it out."""
    if not named:
        return version == b"HTTP/1.0"
    found = HOST.fullmatch(named[0])
    return found is not None and int(found[1] or 0) <= PORT_MAX


def phrase(text: bytes) -> bytes:
    """Text as a reason phrase: printable ASCII on one line, so that nothing in it can end the status line."""
    return bytes(byte if 0x20 <= byte <= 0x7E else 0x3F for byte in text[:REASON_BYTES_MAX])


class Connection(HTTPChannel):
    """The bytes of one client, cut into requests."""

    maxHeaders = HEADER_LINES_MAX
    totalHeadersSize = HEADER_BYTES_MAX
    MAX_LENGTH = HEADER_BYTES_MAX
    requestFactory = Exchange

    _deadline: Any = None
    _refused = False
    _dropped_bytes = 0

    def connectionMade(self) -> None:
        super().connectionMade()
        self.factory.connections.add(self)

    def connectionLost(self, reason: Any) -> None:
        self.factory.connections.discard(self)
        self._cancel_deadline()
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        if self._refused:
            self._drop(data)
            return
        if self._deadline is None and not self._handlingRequest:
            self._deadline = self.callLater(REQUEST_SECONDS_MAX, self._too_slow)
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:
        if self._refused:
            return
        if line[:1] in (b" ", b"\t"):
            self.refuse(b"400 Bad Request")  # a header that goes on in the next line: not every reader sees it so
        else:
            super().lineReceived(line)

    def rawDataReceived(self, data: bytes) -> None:
        if self._refused:
            self._drop(data)
        else:
            super().rawDataReceived(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(b"431 Request Header Fields Too Large")

    def allHeadersReceived(self) -> None:
        if self.length is None:
            self.refuse(b"501 Not Implemented")  # chunked: no client of ours needs it, and it hides the size
        elif self.length > self._body_bytes_max():
            self.refuse(b"413 Payload Too Large")
        else:
            super().allHeadersReceived()

    def _body_bytes_max(self) -> int:
        is_file = self._command == b"PUT" and self._path.partition(b"?")[0].endswith(FILE_PATH)
        return FILE_BYTES_MAX if is_file else BODY_BYTES_MAX

    def allContentReceived(self) -> None:
        self._cancel_deadline()
        if not self._refused:
            super().allContentReceived()

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse(b"400 Bad Request")

    def refuse(self, status: bytes) -> None:
        """Answer a request that is not read to its end, and close in a moment."""
        if self._refused:
            return
        self._refused = True
        self._cancel_deadline()
        self.setTimeout(None)
        self.length = None  # so that Twisted does not take the request for one without a body, and complete
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self._abortingCall = self.callLater(LINGER_SECONDS, self.forceAbortClient)

    def _drop(self, data: bytes) -> None:
        self._dropped_bytes += len(data)
        if self._dropped_bytes > LINGER_BYTES_MAX:
            self.transport.abortConnection()

    def _too_slow(self) -> None:
        self._deadline = None
        self.refuse(b"408 Request Timeout")

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class ConnectionFactory(HTTPFactory):
    """Makes a `Connection` per client and knows those that are open."""

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.timeOut = IDLE_SECONDS_MAX
        self.connections: set[Connection] = set()

    def startFactory(self) -> None:
        """Twisted would begin an access log here; who asked for what is not kept."""

    def stopFactory(self) -> None:
        """Nothing was started."""

    def log(self, request: Any) -> None:
        """See `startFactory`."""

    def buildProtocol(self, addr: Any) -> Connection:
        connection = Connection()
        connection.factory = self
        connection.timeOut = self.timeOut
        return connection

    def acceptableProtocols(self) -> list[bytes]:
        return [b"http/1.1"]
