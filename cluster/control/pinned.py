"""One HTTPS exchange with a node whose certificate is known by its SHA-256 fingerprint, and by nothing else.

The fingerprint is compared after the TLS handshake and before the first byte of the request: a stranger in the middle
learns nothing, not even the path. Everything is bounded: the whole exchange by one deadline, the answer by one size,
slowly dripping answers included. Blocking; standard library only. Knows nothing of what is asked; that is `peer.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cluster.errors import FingerprintMismatch, InvalidInput, PeerError

PORT = 8006
DEADLINE_S = 30.0
CONNECT_S = 10.0
HANDSHAKE_S = 10.0
ANSWER_SIZE_MAX = 1 << 20
HEADERS_SIZE_MAX = 64 << 10
HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
FINGERPRINT = re.compile(r"(?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `reason` is the text beside the status number, `content_type` without its parameters."""

    status: int
    reason: str
    content_type: str
    body: bytes


class Exchange:
    """One request and its answer over a connection of its own. `abort()` may be called from another thread."""

    def __init__(
        self,
        address: str,
        port: int,
        fingerprint: str,
        *,
        deadline_s: float = DEADLINE_S,
        size_max: int = ANSWER_SIZE_MAX,
        connect_s: float = CONNECT_S,
    ) -> None:
        """The deadline is for the whole, `connect_s` for being connected to the address within it."""
        self.address = checked_address(address)
        self.port = port
        self.fingerprint = checked_fingerprint(fingerprint)
        self._bounds = _Bounds(place(address, port), deadline_s, size_max, connect_s)
        self._connection = _PinnedConnection(self.address, port, self.fingerprint, self._bounds)

    def run(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
        """Send and receive. Raises `PeerError`, `FingerprintMismatch`."""
        try:
            self._connection.request(method, path, body, {"Accept-Encoding": "identity", **headers})
            return self._read()
        except (OSError, http.client.HTTPException) as error:
            raise self._bounds.failed(error) from None
        finally:
            self._connection.close()

    def abort(self) -> None:
        """Cut the line; `run` raises `PeerError` at once."""
        self._bounds.aborted = True
        line = self._connection.sock
        if line is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(line, socket.SHUT_RDWR)  # not SSLSocket's: the other thread still uses its state

    def _read(self) -> Answer:
        size_max = self._bounds.size_max
        response = self._connection.getresponse()
        if response.status < 200:
            raise PeerError(f"{self._bounds.where} answered with HTTP {response.status}, which is no answer.")
        if response.length is None and not response.chunked and response.status not in (204, 304):
            raise PeerError(f"{self._bounds.where} did not say how long its answer is.")
        if response.length is not None and response.length > size_max:
            raise self._bounds.too_large()
        body = response.read(size_max + 1)
        if len(body) > size_max:
            raise self._bounds.too_large()
        if response.length:
            raise PeerError(f"{self._bounds.where} closed the connection in the middle of its answer.")
        content_type = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        return Answer(response.status, response.reason, content_type, body)


def probe_fingerprint(address: str, port: int = PORT, *, deadline_s: float = CONNECT_S) -> str:
    """The fingerprint of the certificate a node shows, fetched without sending it anything. Raises `PeerError`."""
    checked_address(address)
    bounds = _Bounds(place(address, port), deadline_s, 0)
    try:
        line = _tls_line(address, port, bounds)
    except OSError as error:
        raise bounds.failed(error) from None
    try:
        return fingerprint_of(line.getpeercert(binary_form=True) or b"")
    finally:
        line.close()


def fingerprint_of(certificate: bytes) -> str:
    """SHA-256 of a certificate in DER, as upper-case pairs joined by colons."""
    return hashlib.sha256(certificate).digest().hex(":").upper()


def checked_fingerprint(text: str) -> str:
    if not FINGERPRINT.fullmatch(text):
        reason = "A fingerprint is 32 pairs of hexadecimal digits joined by colons."
        raise InvalidInput(reason, fields={"fingerprint": reason})
    return text.upper()


def checked_address(text: str) -> str:
    """A literal IPv4 or IPv6 address without a zone, or a host name."""
    if _is_literal(text) or (HOST_NAME.fullmatch(text) and ".." not in text):
        return text
    reason = "The address of a node is an IP address or a host name."
    raise InvalidInput(reason, fields={"hostname": reason})


def place(address: str, port: int) -> str:
    """How messages name the other node."""
    return f"The node at [{address}]:{port}" if ":" in address else f"The node at {address}:{port}"


def _is_literal(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


class _Bounds:
    """The time and the bytes that are left of one exchange, and the words for what ended it."""

    def __init__(self, where: str, deadline_s: float, size_max: int, connect_s: float = CONNECT_S) -> None:
        self.where = where
        self.size_max = size_max
        self.connect_s = connect_s
        self.aborted = False
        self._deadline_s = deadline_s
        self._end_s = time.monotonic() + deadline_s
        self._bytes_left = size_max + HEADERS_SIZE_MAX

    def time_left_s(self) -> float:
        if self.aborted:
            raise ConnectionAbortedError
        left_s = self._end_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s

    def took(self, count: int) -> None:
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise self.too_large()

    def too_large(self) -> PeerError:
        return PeerError(f"{self.where} answered with more than {self.size_max} bytes; the rest was not read.")

    def unreachable(self) -> PeerError:
        return PeerError(f"{self.where} cannot be reached: nothing answered within {self.connect_s:g} s.")

    def failed(self, error: Exception) -> PeerError:
        return PeerError(f"{self.where} {self._reason(error)}")

    def _reason(self, error: Exception) -> str:
        if self.aborted:
            return "was not asked to the end: the request was cancelled."
        if isinstance(error, TimeoutError):
            return f"did not answer in full within {self._deadline_s:g} s."
        if isinstance(error, ConnectionRefusedError):
            return "refused the connection. Is Quire running there?"
        if isinstance(error, socket.gaierror):
            return "cannot be found: its name does not resolve."
        if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
            return f"could not agree on TLS 1.2 or later with this node ({error.reason or 'no TLS'})."
        if isinstance(error, (ConnectionError, ssl.SSLEOFError, http.client.RemoteDisconnected)):
            return "closed the connection before it had answered."
        if isinstance(error, OSError):
            return f"cannot be reached: {error.strerror or type(error).__name__}."
        return "answered with something that is not HTTP."


class _BoundedLine(ssl.SSLSocket):
    """A TLS socket on which every wait is cut to what is left, and every byte received is counted."""

    bounds: _Bounds

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        self.settimeout(self.bounds.time_left_s())
        count = super().recv_into(buffer, nbytes, flags)
        self.bounds.took(count)
        return count

    def send(self, data: Any, flags: int = 0) -> int:
        self.settimeout(self.bounds.time_left_s())
        return super().send(data, flags)


class _PinnedConnection(http.client.HTTPConnection):
    """Connects once, and only to the node that shows the pinned certificate."""

    def __init__(self, address: str, port: int, fingerprint: str, bounds: _Bounds) -> None:
        super().__init__(address, port)
        self.auto_open = 0
        self._fingerprint = fingerprint
        self._bounds = bounds

    def request(self, *args: Any, **options: Any) -> None:
        self.connect()
        super().request(*args, **options)

    def connect(self) -> None:
        line = _tls_line(self.host, self.port, self._bounds)
        shown = fingerprint_of(line.getpeercert(binary_form=True) or b"")
        if not hmac.compare_digest(shown, self._fingerprint):
            line.close()
            raise FingerprintMismatch(
                f"{self._bounds.where} shows another certificate than expected. Expected fingerprint: "
                f"{self._fingerprint}. Shown: {shown}. Nothing was sent to it. If the certificate was renewed, "
                "fetch the join information again."
            )
        self.sock = line


def _tls_line(address: str, port: int, bounds: _Bounds) -> _BoundedLine:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the fingerprint says more than a chain; it is compared before a byte is sent
    context.sslsocket_class = _BoundedLine
    plain = _tcp_line(address, port, bounds)
    try:
        plain.settimeout(min(HANDSHAKE_S, bounds.time_left_s()))
        line = context.wrap_socket(plain, server_hostname=None if _is_literal(address) else address)
    except OSError:
        plain.close()
        raise
    assert isinstance(line, _BoundedLine)
    line.bounds = bounds
    return line


def _tcp_line(address: str, port: int, bounds: _Bounds) -> socket.socket:
    failure: OSError | PeerError = socket.gaierror()
    for family, target in _resolved(address, port, bounds):
        line = socket.socket(family, socket.SOCK_STREAM)
        try:
            line.settimeout(min(bounds.connect_s, bounds.time_left_s()))
            line.connect(target)
        except OSError as error:
            line.close()
            failure = bounds.unreachable() if isinstance(error, TimeoutError) else error
        else:
            return line
    raise failure


def _resolved(address: str, port: int, bounds: _Bounds) -> list[tuple[int, Any]]:
    """The system's resolver knows no deadline, so a name is looked up in a thread that may be left behind."""
    if _is_literal(address):
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, (address, port))]
    found: list[tuple[int, Any]] = []

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
        except OSError:
            return
        found.extend((family, target) for family, _type, _protocol, _name, target in entries)

    thread = threading.Thread(target=look_up, daemon=True, name="look-up")
    thread.start()
    thread.join(bounds.time_left_s())
    bounds.time_left_s()
    return list(found)
