"""A realm of kind LDAP against a real directory server (OpenLDAP's slapd) on this machine, with and without TLS."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cluster.control import access_requests as ask
from cluster.control.requests import Login
from cluster.errors import Unauthenticated
from cluster.node.access import ldap
from tests.node.alone import alone
from tests.places import own_port

SLAPD, SLAPADD = shutil.which("slapd", path="/usr/sbin"), shutil.which("slapadd", path="/usr/sbin")
pytestmark = pytest.mark.skipif(SLAPD is None or SLAPADD is None, reason="slapd is not installed")

ADDRESS, BASE, ROOT = "127.0.0.1", "dc=office,dc=test", "root@pam"
STARTS_S, STOPS_S = 10.0, 10.0
CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
pidfile {folder}/slapd.pid
database mdb
suffix "{base}"
rootdn "cn=reader,{base}"
rootpw "reading"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by anonymous auth by users read
"""
PERSON = """
dn: {dn},{base}
objectClass: inetOrgPerson
cn: {name}
sn: {name}
uid: {name}
employeeType: {kind}
userPassword: {password}
"""


@dataclass(frozen=True)
class Server:
    plain: int
    tls: int
    folder: Path

    def settings(self, **more: str) -> dict[str, str]:
        return {
            "server1": ADDRESS, "port": str(self.plain), "mode": "ldap", "base_dn": BASE, "user_attr": "uid",
            "bind_dn": f"cn=reader,{BASE}", **more,
        }  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("slapd")
    (folder / "data").mkdir()
    write_certificates(folder)
    (folder / "slapd.conf").write_text(CONFIG.format(folder=folder, base=BASE))
    people = [("uid=alice", "alice", "staff", "correct horse"), ("uid=bob", "bob", "guest", "battery staple")]
    twins = [(f"cn=twin{number}", "twin", "staff", "same") for number in (1, 2)]
    ldif = f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Office\ndc: office\n" + "".join(
        PERSON.format(dn=dn, base=BASE, name=name, kind=kind, password=password)
        for dn, name, kind, password in (*people, *twins)
    )
    assert SLAPD and SLAPADD
    config = ["-f", str(folder / "slapd.conf")]
    subprocess.run([SLAPADD, *config], input=ldif, text=True, check=True, capture_output=True, timeout=30)
    made = Server(own_port(), own_port(), folder)
    where = f"ldap://{ADDRESS}:{made.plain} ldaps://{ADDRESS}:{made.tls}"
    process = subprocess.Popen([SLAPD, "-d", "0", "-h", where, *config], stderr=subprocess.DEVNULL)
    try:
        await_port(made.plain)
        yield made
    finally:
        process.terminate()
        process.wait(STOPS_S)


def write_certificates(folder: Path) -> None:
    """The server's, for its address, by an authority of its own; and another authority, which knows nothing of it."""
    authority, other, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    (folder / "ca.pem").write_bytes(pem(certificate("ca", authority, "ca", authority)))
    (folder / "other.pem").write_bytes(pem(certificate("other", other, "other", other)))
    (folder / "cert.pem").write_bytes(pem(certificate("directory", server, "ca", authority)))
    form = serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(
        server.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )


def certificate(
    name: str, key: ec.EllipticCurvePrivateKey, by: str, by_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, by))
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=30)).add_extension(names, False)
    builder = builder.add_extension(x509.BasicConstraints(name == by, None), True)
    return builder.sign(by_key, hashes.SHA256())


def pem(made: x509.Certificate) -> bytes:
    return made.public_bytes(serialization.Encoding.PEM)


def await_port(port: int) -> None:
    deadline = time.monotonic() + STARTS_S
    while True:
        try:
            socket.create_connection((ADDRESS, port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "slapd does not listen"
            time.sleep(0.02)


def right(settings: dict[str, str], name: str, password: str, secret: bytes = b"reading\n") -> bool:
    return ldap.is_right(settings, "ldap", secret, name, password)


def test_a_password_is_right_when_the_server_binds_with_it(server: Server) -> None:
    assert right(server.settings(), "alice", "correct horse")
    assert not right(server.settings(), "alice", "battery staple")
    assert not right(server.settings(), "nobody", "correct horse")


@pytest.mark.parametrize("name", ["*", "al*", "alice)(uid=*", "alice\x00", "\\61lice"])
def test_a_name_is_never_a_pattern(server: Server, name: str) -> None:
    assert not right(server.settings(), name, "correct horse")


def test_a_filter_and_a_name_that_is_two_peoples_let_nobody_in(server: Server) -> None:
    staff = server.settings(filter="(employeeType=staff)")
    assert right(staff, "alice", "correct horse") and not right(staff, "bob", "battery staple")
    assert not right(server.settings(), "twin", "same")


def test_a_wrong_bind_password_of_the_realm_lets_nobody_in(server: Server) -> None:
    assert not right(server.settings(), "alice", "correct horse", b"guessing")


def test_a_silent_first_server_is_left_for_the_second(server: Server) -> None:
    assert right(server.settings(server1="127.0.0.2", server2=ADDRESS), "alice", "correct horse")


def over_tls(server: Server, mode: str, **more: str) -> dict[str, str]:
    return server.settings(mode=mode, port=str(server.tls if mode == "ldaps" else server.plain), **more)


@pytest.mark.parametrize("mode", ["ldaps", "ldap+starttls"])
def test_over_tls_the_servers_certificate_is_checked_by_the_realms_authority(server: Server, mode: str) -> None:
    trusting = over_tls(server, mode, capath=str(server.folder / "ca.pem"))
    assert right(trusting, "alice", "correct horse") and not right(trusting, "alice", "wrong")


@pytest.mark.parametrize("mode", ["ldaps", "ldap+starttls"])
def test_a_certificate_nobody_vouches_for_lets_nobody_in(
    server: Server, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    for more in ({}, {"verify": "1"}, {"capath": str(server.folder / "other.pem")}, {"capath": "/nowhere"}):
        assert not right(over_tls(server, mode, **more), "alice", "correct horse"), more
    assert "its certificate is not one the realm trusts" in caplog.text and "correct horse" not in caplog.text
    assert right(over_tls(server, mode, verify="0"), "alice", "correct horse"), "somebody wants it so"


def test_a_certificate_for_another_name_lets_nobody_in(server: Server) -> None:
    named = over_tls(server, "ldaps", capath=str(server.folder / "ca.pem"), server1="localhost")
    assert not right(named, "alice", "correct horse")


async def test_the_authority_may_lie_in_the_configuration_which_all_nodes_have(server: Server, tmp_path: Path) -> None:
    async with alone(tmp_path / "alpha") as node:
        await node.write("office-ca.pem", (server.folder / "ca.pem").read_text())
        await node.write("other-ca.pem", (server.folder / "other.pem").read_text())
        shared = over_tls(server, "ldaps", capath="/etc/pve/office-ca.pem")
        await node.ask(ask.RealmAdd(ROOT, "office", "ldap", shared, "reading"))
        await node.ask(ask.UserAdd(ROOT, "alice@office"))
        assert (await node.ask(Login("alice@office", "correct horse", "")))["ticket"]
        for path in ("/etc/pve/other-ca.pem", "/etc/pve/nothing.pem"):
            await node.ask(ask.RealmChange(ROOT, "office", {"capath": path}))
            with pytest.raises(Unauthenticated):
                await node.ask(Login("alice@office", "correct horse", ""))
        await node.ask(ask.RealmChange(ROOT, "office", {"verify": "0"}))
        assert (await node.ask(ask.RealmShow(ROOT, "office")))["verify"] == 0
        assert (await node.ask(Login("alice@office", "correct horse", "")))["ticket"]


async def test_a_user_of_the_realm_signs_in(server: Server, tmp_path: Path) -> None:
    async with alone(tmp_path / "alpha") as node:
        await node.ask(ask.RealmAdd(ROOT, "office", "ldap", server.settings(), "reading"))
        await node.ask(ask.UserAdd(ROOT, "alice@office"))
        answer = await node.ask(Login("alice@office", "correct horse", ""))
        assert answer["username"] == "alice@office" and answer["ticket"].startswith("PVE:alice@office:")
        for name, password in (("alice@office", "wrong"), ("bob@office", "battery staple")):
            with pytest.raises(Unauthenticated):
                await node.ask(Login(name, password, ""))
