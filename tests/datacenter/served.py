"""What the web server's tests share: certificates, the process under test, and connections to it, raw ones too."""

from __future__ import annotations

import datetime
import hashlib
import http.client
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "127.0.0.1"
TIMEOUT_S = 20.0


def write_certificate(folder: Path, name: str = "alpha") -> str:
    """A new self-signed certificate and its key in `folder`; returns its SHA-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for file, data in (("key.pem", pem), ("cert.pem", certificate.public_bytes(serialization.Encoding.PEM))):
        fresh = folder / f".{file}"
        fresh.write_bytes(data)
        fresh.replace(folder / file)
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


@dataclass
class Served:
    """The running process and how to reach it."""

    process: subprocess.Popen[str]
    folder: Path
    port: int

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPSConnection(ADDRESS, self.port, context=trusting(), timeout=TIMEOUT_S)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def line(self) -> ssl.SSLSocket:
        """A TLS connection to write bytes into."""
        return trusting().wrap_socket(self.plain_line())

    def plain_line(self) -> socket.socket:
        return socket.create_connection((ADDRESS, self.port), timeout=TIMEOUT_S)

    def fingerprint(self) -> str:
        with self.line() as line:
            certificate = line.getpeercert(binary_form=True)
        assert certificate
        return hashlib.sha256(certificate).hexdigest()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def memory_bytes(self) -> int:
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * 4096


@contextmanager
def serving(folder: Path, port: int) -> Iterator[Served]:
    write_certificate(folder)
    command = [sys.executable, "-m", "tests.datacenter.serve_site", str(folder), str(port)]
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", (folder / "stderr").read_text()
        yield Served(process, folder, port)
    finally:
        process.terminate()
        try:
            process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def all_of(line: socket.socket) -> bytes:
    """What comes until the other side closes."""
    received = b""
    while True:
        try:
            part = line.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return received
        if not part:
            return received
        received += part


def eventually(holds: object, timeout_s: float = TIMEOUT_S) -> None:
    assert callable(holds)
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
