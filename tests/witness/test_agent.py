"""The program on the witness's host and the door to it, against each other over real TLS; only qnetd's commands are
pretended, by an authority that signs as corosync-qnetd-certutil does."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from cluster.control import witness_agent
from cluster.control.pinned import Exchange
from cluster.control.witness_agent import Agent
from cluster.errors import FingerprintMismatch, PeerError, PeerRefused
from cluster.witness import agent as program
from cluster.workflow.witness_rule import read_invitation

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "127.0.0.1"


class PretendedQnetd(program.Qnetd):
    """Signs with an authority in memory, where the real one runs commands."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "QNet CA")])
        self.ca = self._signed(self.name, self.key.public_key())
        self.prepared, self.forgotten = 0, []  # type: ignore[var-annotated]

    def _signed(self, name: x509.Name, key: rsa.RSAPublicKey) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key)
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(1))
            .not_valid_after(now + timedelta(100)).sign(self.key, hashes.SHA256())
        )  # fmt: skip

    def prepare(self) -> None:
        self.prepared += 1

    def sign(self, cluster: str, request: bytes) -> dict[str, str]:
        asked = x509.load_der_x509_csr(request)
        signed = self._signed(asked.subject, asked.public_key())  # type: ignore[arg-type]
        ca = b"Certificate:\n    in words\n" + self.ca.public_bytes(serialization.Encoding.PEM)
        certificate = signed.public_bytes(serialization.Encoding.DER)
        return {"ca": base64.b64encode(ca).decode(), "certificate": base64.b64encode(certificate).decode()}

    def forget(self, cluster: str) -> None:
        self.forgotten.append(cluster)


class Running:
    def __init__(self, folder: Path, ends_s: float) -> None:
        self.qnetd, self.token = PretendedQnetd(), "secret-of-this-witness-0123456789"
        self.enrolment = program.Enrolment(self.qnetd, self.token, ends_s)
        context, self.fingerprint = program.served_certificate(folder)
        self.server = program.Server((ADDRESS, 0), context, self.enrolment)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def agent(self, **other: str) -> Agent:
        told = {"address": ADDRESS, "fingerprint": self.fingerprint, "token": self.token} | other
        return Agent(port=self.port, **told)


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path, time.monotonic() + 600)
    yield running
    running.server.shutdown()
    running.server.server_close()


async def test_a_cluster_gets_its_certificate_in_a_bundle_that_nss_takes(witness: Running, tmp_path: Path) -> None:
    ca, bundle = await witness_agent.enrol(witness.agent(), "office")
    key, certificate, _ = pkcs12.load_key_and_certificates(bundle, None)
    assert key is not None and certificate is not None
    assert certificate.subject.rfc4514_string() == "CN=office"
    assert certificate.public_key() == key.public_key()
    assert b"-----BEGIN CERTIFICATE" in ca and witness.qnetd.prepared == 1


async def test_the_line_that_is_printed_is_read_as_it_was_meant(witness: Running) -> None:
    line = program.line_to_paste(ADDRESS, witness.port, witness.fingerprint, witness.token)
    told = read_invitation(f"  {line[:40]}\n{line[40:]} ")
    assert (told.address, told.port, told.fingerprint, told.token) == (
        ADDRESS, witness.port, witness.fingerprint, witness.token,
    )  # fmt: skip
    assert witness.token not in repr(told)


async def test_a_wrong_token_is_refused_and_burns_nothing(witness: Running) -> None:
    with pytest.raises(PeerRefused, match="not the one this witness gave"):
        await witness_agent.enrol(witness.agent(token="guessed"), "office")
    await witness_agent.enrol(witness.agent(), "office")


async def test_another_certificate_than_the_printed_one_gets_no_token(witness: Running) -> None:
    with pytest.raises(FingerprintMismatch):
        await witness_agent.enrol(witness.agent(fingerprint=":".join(["AB"] * 32)), "office")
    assert witness.qnetd.prepared == 0


async def test_the_token_is_for_one_cluster_until_it_is_given_back(witness: Running) -> None:
    await witness_agent.enrol(witness.agent(), "office")
    with pytest.raises(PeerRefused, match="The token is used: the cluster office"):
        await witness_agent.enrol(witness.agent(), "attic")
    await witness_agent.withdraw(witness.agent())
    assert witness.qnetd.forgotten == ["office"]
    await witness_agent.enrol(witness.agent(), "attic")
    await witness_agent.done(witness.agent())
    assert witness.enrolment.over.is_set()
    with pytest.raises(PeerRefused, match="time is over"):
        await witness_agent.enrol(witness.agent(), "attic")


async def test_a_token_whose_time_is_over_is_told_so(tmp_path: Path) -> None:
    late = Running(tmp_path, time.monotonic() - 1)
    with pytest.raises(PeerRefused, match="time is over. Start the program on the witness again"):
        await witness_agent.enrol(late.agent(), "office")
    late.server.shutdown()
    late.server.server_close()


async def test_what_is_no_request_is_refused_in_words(witness: Running) -> None:
    for path, body in (("/enrol", b"[]"), ("/enrol", b"nonsense"), ("/else", b"{}"), ("/enrol", b"x" * 70_000)):
        exchange = Exchange(ADDRESS, witness.port, witness.fingerprint, deadline_s=10)
        try:
            assert exchange.run("POST", path, {}, body).status >= 400
        except PeerError:
            assert len(body) > 60_000  # hung up on
    with pytest.raises(PeerRefused, match="no name of a cluster"):
        await witness_agent.enrol(witness.agent(), "../../etc")
    await witness_agent.enrol(witness.agent(), "office")


def test_the_program_needs_nothing_else_of_quire(tmp_path: Path) -> None:
    alone = tmp_path / "witness.py"
    alone.write_bytes(Path(program.__file__).read_bytes())
    ran = subprocess.run(
        [sys.executable, "-I", "-S", str(alone), "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert ran.returncode == 0 and "Make this host a cluster's witness" in ran.stdout
