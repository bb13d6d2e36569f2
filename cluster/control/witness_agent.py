"""The program on the witness's host as a node asks it: over TLS pinned to the certificate it printed, with its token.

What it does is `cluster/witness/agent.py`; here a key is made that leaves this node only in the bundle for the others.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from cluster.control.pinned import Exchange, place
from cluster.errors import PeerError, PeerRefused

ENROL_S, SHORT_S, CONNECT_S = 80.0, 10.0, 5.0
KEY_BITS = 3072
NICKNAME = b"Cluster Cert"  # by which corosync-qdevice looks for it
SENTENCE_LENGTH_MAX = 400


@dataclass(frozen=True, slots=True)
class Agent:
    """Where it listens, the certificate it must show, and the token it gave."""

    address: str
    port: int
    fingerprint: str
    token: str = field(repr=False)


async def enrol(agent: Agent, cluster: str) -> tuple[bytes, bytes]:
    """→ (the certificate of the witness's authority, the cluster's certificate with its key). Raises PeerError,
    PeerRefused, FingerprintMismatch."""
    key, request = await asyncio.to_thread(_key_and_request, cluster)
    told = await _ask(agent, "/enrol", {"cluster": cluster, "request": base64.b64encode(request).decode()}, ENROL_S)
    try:
        ca = base64.b64decode(told["ca"], validate=True)
        certificate = x509.load_der_x509_certificate(base64.b64decode(told["certificate"], validate=True))
        x509.load_pem_x509_certificate(ca[ca.index(b"-----BEGIN") :])
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise PeerError(f"{place(agent.address, agent.port)} answered with something that is no certificate.") from None
    if certificate.public_key() != key.public_key():
        raise PeerError(f"{place(agent.address, agent.port)} signed another key than was asked for.")
    return ca, pkcs12.serialize_key_and_certificates(NICKNAME, key, certificate, None, serialization.NoEncryption())


async def withdraw(agent: Agent) -> None:
    """The set-up was taken back: the token is free again. Raises PeerError, PeerRefused."""
    await _ask(agent, "/withdraw", {}, SHORT_S)


async def done(agent: Agent) -> None:
    """Raises PeerError, PeerRefused."""
    await _ask(agent, "/done", {}, SHORT_S)


def _key_and_request(cluster: str) -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, cluster)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return key, request.public_bytes(serialization.Encoding.DER)


async def _ask(agent: Agent, path: str, asked: dict[str, str], deadline_s: float) -> dict[str, Any]:
    exchange = Exchange(agent.address, agent.port, agent.fingerprint, deadline_s=deadline_s, connect_s=CONNECT_S)
    body = json.dumps({**asked, "token": agent.token}).encode()
    try:
        answer = await asyncio.to_thread(exchange.run, "POST", path, {"Content-Type": "application/json"}, body)
    except asyncio.CancelledError:
        exchange.abort()
        raise
    where = place(agent.address, agent.port)
    try:
        envelope = json.loads(answer.body)
    except (ValueError, RecursionError):
        envelope = None
    if not isinstance(envelope, dict):
        raise PeerError(f"{where} is not the program of a witness.")
    if answer.status != 200 or not isinstance(envelope.get("data"), dict):
        said = "".join(char if char.isprintable() else " " for char in str(envelope.get("message", "")))
        raise PeerRefused(f"The witness refused: {said[:SENTENCE_LENGTH_MAX] or answer.status}")
    return dict(envelope["data"])
