"""A server that stands between a joining node and its peer: it passes requests on, and goes away at a chosen one.

It shows the certificate it is given, the peer's own or a stranger's, and remembers every byte it was sent.
"""

from __future__ import annotations

import contextlib
import datetime
import http.client
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.visitor import TRUSTING


class Middleman(ThreadingHTTPServer):
    """`cut_before` / `cut_after`: the part of a path at which the connection ends, before or after the real peer has
    answered. `answer_instead`: raw bytes to send back rather than what the peer says."""

    daemon_threads = True
    cut_before = cut_after = ""
    answer_instead = b""

    def __init__(self, address: str, target: str, certificate: Path, key: Path) -> None:
        super().__init__((address, 8006), Passing)
        self.target = urlsplit(target)
        self.received: list[bytes] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def address(self) -> str:
        return str(self.server_address[0])

    @property
    def paths(self) -> list[str]:
        return [request.split(b" ")[1].decode() for request in self.received]

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller who hangs up at our certificate is what some tests are about."""


class Passing(BaseHTTPRequestHandler):
    server: Middleman

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.received.append(f"{self.command} {self.path}\n{self.headers}".encode() + body)
        self.close_connection = True
        if self.server.cut_before and self.server.cut_before in self.path:
            return
        target = self.server.target
        peer = http.client.HTTPSConnection(str(target.hostname), target.port, context=TRUSTING, timeout=20)
        kept = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        peer.request(self.command, self.path, body or None, kept)
        answer = peer.getresponse()
        content = answer.read()
        peer.close()
        if self.server.cut_after and self.server.cut_after in self.path:
            return
        if self.server.answer_instead:
            self.wfile.write(self.server.answer_instead)
            return
        self.send_response(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815  (the names http.server asks for)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def middleman(address: str, target: str, certificate: Path, key: Path) -> Iterator[Middleman]:
    server = Middleman(address, target, certificate, key)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def strangers_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key that no cluster knows, as two files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "alpha")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"
