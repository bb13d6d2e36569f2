"""The cluster's certificate authority and the nodes' certificates, as functions from PEM to PEM.

The subjects have Proxmox VE's shape; the keys are EC P-256 instead of RSA, because an RSA-4096 authority takes seconds
to make and nothing reads the difference. Time is an argument. Where the results are kept, and when a server takes up a
new one, is the daemon's business.
"""

from __future__ import annotations

import hmac
import ipaddress
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.errors import InvalidInput, Unavailable

AUTHORITY_LIFETIME = timedelta(days=3650)
NODE_LIFETIME = timedelta(days=730)
BACKDATED = timedelta(days=1)  # for nodes whose clock is behind
REMAINDER = timedelta(days=2)  # a node's certificate ends this long before its authority
AUTHORITY_LEFT_MIN = timedelta(days=14)  # with less, nothing is issued any more
RENEW_BEFORE = timedelta(days=30)

_ORGANISATION = "PVE Cluster Manager CA"
_ALWAYS_NAMED = ("127.0.0.1", "::1", "localhost")


def new_authority(now: datetime) -> tuple[bytes, bytes]:
    """A new authority for one cluster: (certificate PEM, key PEM). `now` carries its time zone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Proxmox Virtual Environment"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, str(uuid.uuid4())),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANISATION),
        ]
    )
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key.public_key(), now - BACKDATED, now + AUTHORITY_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _certificate_pem(certificate), _key_pem(key)


def new_node_certificate(
    authority_pem: bytes, authority_key_pem: bytes, name: str, addresses: Iterable[str], now: datetime
) -> tuple[bytes, bytes]:
    """A certificate and a key for one node, good for its name and its addresses: (certificate PEM, key PEM).

    Raises Unavailable when the authority is damaged or has fewer than 14 days left, InvalidInput for a bad address.
    """
    authority, authority_key = _load(authority_pem), _load_key(authority_key_pem)
    if authority.not_valid_after_utc - now < AUTHORITY_LEFT_MIN:
        raise Unavailable("The cluster's certificate authority ends in less than 14 days; renew it first.")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "PVE Cluster Node"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Proxmox Virtual Environment"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    until = min(now + NODE_LIFETIME, authority.not_valid_after_utc - REMAINDER)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(subject, authority.subject, key.public_key(), now - BACKDATED, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_alternative_names(name, addresses), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return _certificate_pem(certificate), _key_pem(key)


def fingerprint(certificate_pem: bytes) -> str:
    """SHA-256 of the certificate, as people compare it: `AB:CD:…`, 32 pairs."""
    return _load(certificate_pem).fingerprint(hashes.SHA256()).hex(":").upper()


def ends_s(certificate_pem: bytes) -> float:
    """When (unix) it ends."""
    return _load(certificate_pem).not_valid_after_utc.timestamp()


def addresses(certificate_pem: bytes) -> tuple[str, ...]:
    """The addresses it is for, without those that mean the node itself everywhere."""
    try:
        names = _load(certificate_pem).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    found = (str(address) for address in names.get_values_for_type(x509.IPAddress))
    return tuple(address for address in found if address not in ("127.0.0.1", "::1"))


def is_issued_by(certificate_pem: bytes, authority_pem: bytes) -> bool:
    """Whether the authority signed this certificate."""
    certificate, authority = _load(certificate_pem), _load(authority_pem)
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def needs_renewal(
    certificate_pem: bytes, authority_pem: bytes, name: str, addresses: Iterable[str], now: datetime
) -> bool:
    """Whether a node should issue itself a new certificate: ends soon or has, another authority's, other names."""
    certificate, authority = _load(certificate_pem), _load(authority_pem)
    if not is_issued_by(certificate_pem, authority_pem):
        return True
    wanted = set(_alternative_names(name, addresses))
    present = set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    if not wanted <= present:
        return True
    # An authority near its end cannot give a longer certificate: then renewing would only repeat itself.
    longest = min(now + NODE_LIFETIME, authority.not_valid_after_utc - REMAINDER)
    return certificate.not_valid_after_utc - now < RENEW_BEFORE and certificate.not_valid_after_utc < longest


def belongs_together(certificate_pem: bytes, key_pem: bytes) -> bool:
    """Whether this is the certificate's own key."""
    spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ours = _load_key(key_pem).public_key().public_bytes(*spki)
    return hmac.compare_digest(_load(certificate_pem).public_key().public_bytes(*spki), ours)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _alternative_names(name: str, addresses: Iterable[str]) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = []
    for text in dict.fromkeys([*_ALWAYS_NAMED, *addresses]):
        try:
            names.append(x509.DNSName(text) if text == "localhost" else x509.IPAddress(ipaddress.ip_address(text)))
        except ValueError:
            raise InvalidInput(f"{text} is not an address a certificate can name.") from None
    return x509.SubjectAlternativeName([*names, x509.DNSName(name)])


def _load(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise Unavailable("A certificate is damaged and cannot be read.") from None


def _load_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise Unavailable("A certificate's key is damaged and cannot be read.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Unavailable("A certificate's key is not an EC key.")
    return key


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
