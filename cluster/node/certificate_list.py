"""The certificates of a node as the API lists them: the cluster's root and what this node serves."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from cluster.core.tree import Tree


def list_certificates(tree: Tree, name: str) -> list[dict[str, Any]]:
    """Those of the tree that can be read; a damaged one is left out."""
    rows = []
    for path in ("pve-root-ca.pem", f"nodes/{name}/pve-ssl.pem", f"nodes/{name}/pveproxy-ssl.pem"):
        pem = tree.read(path)
        if pem is not None:
            try:
                rows.append(_row(path.rpartition("/")[2], x509.load_pem_x509_certificate(pem), pem))
            except ValueError:
                continue
    return rows


def _row(filename: str, certificate: x509.Certificate, pem: bytes) -> dict[str, Any]:
    kind, bits = _key(certificate)
    return {
        "filename": filename,
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "fingerprint": certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        "notbefore": int(certificate.not_valid_before_utc.timestamp()),
        "notafter": int(certificate.not_valid_after_utc.timestamp()),
        "san": _names(certificate),
        "public-key-type": kind,
        "public-key-bits": bits,
        "pem": pem.decode("ascii", "replace"),
    }


def _key(certificate: x509.Certificate) -> tuple[str, int]:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return "rsaEncryption", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return "id-ecPublicKey", key.key_size
    return type(key).__name__, 0


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in extension.value]
