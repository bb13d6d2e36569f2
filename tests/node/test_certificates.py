"""The cluster's certificate authority and the certificates of its nodes."""

import ipaddress
import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from cluster.errors import InvalidInput, Unavailable
from cluster.node.certificates import (
    belongs_together,
    fingerprint,
    is_issued_by,
    needs_renewal,
    new_authority,
    new_node_certificate,
)

NOW = datetime(2030, 1, 15, 12, 0, tzinfo=UTC)
AUTHORITY, AUTHORITY_KEY = new_authority(NOW)
CERTIFICATE, KEY = new_node_certificate(AUTHORITY, AUTHORITY_KEY, "alpha", ["10.0.0.1", "fd00::1"], NOW)


def test_a_node_certificate_names_its_node_and_its_addresses():
    names = (
        x509.load_pem_x509_certificate(CERTIFICATE)
        .extensions.get_extension_for_class(x509.SubjectAlternativeName)
        .value
    )
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "alpha"]
    expected = ["127.0.0.1", "::1", "10.0.0.1", "fd00::1"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(text) for text in expected]


def test_a_node_certificate_starts_a_day_early_and_lasts_two_years():
    certificate = x509.load_pem_x509_certificate(CERTIFICATE)
    assert certificate.not_valid_before_utc == NOW - timedelta(days=1)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=730)


def test_a_node_certificate_ends_two_days_before_its_authority():
    late = NOW + timedelta(days=3000)
    certificate, _ = new_node_certificate(AUTHORITY, AUTHORITY_KEY, "alpha", [], late)
    assert x509.load_pem_x509_certificate(certificate).not_valid_after_utc == NOW + timedelta(days=3648)


def test_an_authority_about_to_end_issues_nothing():
    with pytest.raises(Unavailable):
        new_node_certificate(AUTHORITY, AUTHORITY_KEY, "alpha", [], NOW + timedelta(days=3637))


def test_the_subject_has_the_familiar_shape():
    issued = x509.load_pem_x509_certificate(CERTIFICATE)
    assert "CN=alpha" in issued.subject.rfc4514_string() and "OU=PVE Cluster Node" in issued.subject.rfc4514_string()
    assert "O=PVE Cluster Manager CA" in issued.issuer.rfc4514_string()


def test_a_fingerprint_is_what_openssl_says(tmp_path):
    (tmp_path / "cert.pem").write_bytes(CERTIFICATE)
    said = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(tmp_path / "cert.pem")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.strip().partition("=")[2] == fingerprint(CERTIFICATE)


def test_openssl_accepts_the_chain(tmp_path):
    (tmp_path / "ca.pem").write_bytes(AUTHORITY)
    (tmp_path / "cert.pem").write_bytes(CERTIFICATE)
    verified = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-attime", str(int(NOW.timestamp())), "-CAfile", "ca.pem", "cert.pem"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert verified.returncode == 0, verified.stderr


def test_a_tls_client_that_trusts_the_authority_reaches_the_node_by_its_address(tmp_path):
    now = datetime.now(UTC)
    authority, authority_key = new_authority(now)
    certificate, key = new_node_certificate(authority, authority_key, "alpha", ["127.0.0.1"], now)
    (tmp_path / "cert.pem").write_bytes(certificate)
    (tmp_path / "key.pem").write_bytes(key)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    client_side = ssl.create_default_context(cadata=authority.decode())
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    theirs.settimeout(10)
    server = threading.Thread(target=lambda: server_side.wrap_socket(theirs, server_side=True).close())
    server.start()
    try:
        with client_side.wrap_socket(ours, server_hostname="127.0.0.1") as reached:
            assert reached.version() == "TLSv1.3"
    finally:
        server.join(10)
        theirs.close()


@pytest.mark.parametrize(
    ("name", "addresses", "later", "needed"),
    [
        ("alpha", ["10.0.0.1"], timedelta(days=1), False),
        ("alpha", ["10.0.0.1"], timedelta(days=701), True),
        ("alpha", ["10.0.0.1"], timedelta(days=800), True),
        ("alpha", ["10.0.0.7"], timedelta(days=1), True),
        ("beta", ["10.0.0.1"], timedelta(days=1), True),
    ],
)
def test_a_certificate_is_renewed_before_it_ends_and_when_the_node_s_names_change(name, addresses, later, needed):
    assert needs_renewal(CERTIFICATE, AUTHORITY, name, addresses, NOW + later) is needed


def test_a_certificate_of_the_stand_alone_life_is_renewed_by_the_cluster_s_authority():
    other, _ = new_authority(NOW)
    assert is_issued_by(CERTIFICATE, AUTHORITY) and not is_issued_by(CERTIFICATE, other)
    assert needs_renewal(CERTIFICATE, other, "alpha", ["10.0.0.1"], NOW)


def test_a_certificate_that_cannot_get_any_longer_is_left_alone():
    late = NOW + timedelta(days=3630)
    certificate, _ = new_node_certificate(AUTHORITY, AUTHORITY_KEY, "alpha", [], late)
    assert not needs_renewal(certificate, AUTHORITY, "alpha", [], late)


def test_a_certificate_and_its_key_belong_together():
    _, other_key = new_authority(NOW)
    assert belongs_together(CERTIFICATE, KEY) and not belongs_together(CERTIFICATE, other_key)


def test_damaged_input_is_reported_without_its_content():
    with pytest.raises(Unavailable) as caught:
        new_node_certificate(AUTHORITY, KEY[:60] + b"\n", "alpha", [], NOW)
    assert KEY[30:50].decode() not in str(caught.value)
    with pytest.raises(Unavailable):
        fingerprint(b"nothing")
    with pytest.raises(InvalidInput):
        new_node_certificate(AUTHORITY, AUTHORITY_KEY, "alpha", ["not an address"], NOW)
