"""Real TLS servers on 127.0.0.1 and ::1 for tests: each runs a script per connection and keeps what it was sent.

`received` holds the decrypted bytes of requests; a handshake alone leaves it empty.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Script = Callable[[ssl.SSLSocket, bytes], None]
TICKET = "PVE:root@pam:68A1B2C3::c2lnbmF0dXJl+/="
CSRF = "68A1B2C3:bWFj"


@cache
def certificate(name: str = "alpha", expired: bool = False) -> tuple[bytes, str]:
    """Key and self-signed certificate in PEM, and the fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    start = now - datetime.timedelta(days=20)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=10 if expired else 100))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    print_ = hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest().upper()
    return pem, ":".join(print_[place : place + 2] for place in range(0, 64, 2))


class Server:
    """What a test sees of a running server."""

    def __init__(self, address: str, port: int, fingerprint: str) -> None:
        self.address = address
        self.port = port
        self.fingerprint = fingerprint
        self.received = b""
        self.handshakes = 0
        self.requests: list[bytes] = []


@contextlib.contextmanager
def tls_server(
    script: Script,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    name: str = "alpha",
    expired: bool = False,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> Iterator[Server]:
    pem, fingerprint = certificate(name, expired)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.num_tickets = 0  # nothing is written after the handshake, so a client that leaves then disturbs nothing
    context.maximum_version = newest
    if newest < ssl.TLSVersion.TLSv1_2:
        context.minimum_version = newest
        context.set_ciphers("ALL:@SECLEVEL=0")
    with TemporaryDirectory() as folder:
        path = Path(folder, "pem")
        path.write_bytes(pem)
        context.load_cert_chain(path)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, port), family=family)
    server = Server(address, listener.getsockname()[1], fingerprint)

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            plain.settimeout(10)
            with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as line:
                server.handshakes += 1
                request = _read_request(line, server)
                if request:
                    server.requests.append(request)
                    script(line, request)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(15)
        assert not thread.is_alive()


def _read_request(line: ssl.SSLSocket, server: Server) -> bytes:
    """One request, its body included. Whatever arrives is kept, even if it is no request."""
    received = b""
    while True:
        head, found, body = received.partition(b"\r\n\r\n")
        if found and len(body) >= _announced(head):
            return received
        part = line.recv(65536)
        if not part:
            return b""
        received += part
        server.received += part


def _announced(head: bytes) -> int:
    for field in head.split(b"\r\n"):
        name, _, value = field.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def answer(
    status: int, body: bytes, *, reason: str = "OK", content_type: str = "application/json;charset=UTF-8"
) -> bytes:
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def saying(said: bytes) -> Script:
    """A script that answers every request with the same bytes."""
    return lambda line, _request: line.sendall(said)


def api(routes: dict[str, object]) -> Script:
    """A script that answers like the API: `"METHOD /path"` → data; ready-made bytes are sent as they are."""
    known: dict[str, object] = {
        "POST /api2/json/access/ticket": {"username": "root@pam", "ticket": TICKET, "CSRFPreventionToken": CSRF},
        **routes,
    }

    def script(line: ssl.SSLSocket, request: bytes) -> None:
        found = known[request.split(b" HTTP/", 1)[0].decode()]
        line.sendall(found if isinstance(found, bytes) else answer(200, json.dumps({"data": found}).encode()))

    return script
