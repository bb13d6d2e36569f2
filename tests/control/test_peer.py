"""Asking another node: who it must be, what may be said before that is known, and how it answers."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import time

import pytest

from cluster.control import peer as peers
from cluster.control.peer import Peer, PeerSession, fetch, probe_fingerprint
from cluster.errors import FingerprintMismatch, InvalidInput, PeerError, PeerRefused, QuireError
from cluster.secret import Secret
from tests.control.tls import CSRF, TICKET, Server, answer, api, certificate, saying, tls_server

PASSWORD = "correct horse battery staple"
SIGN_IN = "POST /api2/json/access/ticket"


def peer_of(server: Server, **bounds: float) -> Peer:
    return Peer(server.address, server.port, server.fingerprint, **bounds)  # type: ignore[arg-type]


async def signed_in(server: Server) -> PeerSession:
    return await peer_of(server).login("root@pam", Secret(PASSWORD))


# --- who answers ------------------------------------------------------------------------------------------------------


def changed_by_one_digit(fingerprint: str) -> str:
    return fingerprint[:-1] + ("0" if fingerprint[-1] != "0" else "1")


async def test_a_fingerprint_wrong_by_one_digit_ends_it_before_a_byte_of_the_request() -> None:
    with tls_server(api({})) as server:
        wrong = changed_by_one_digit(server.fingerprint)
        with pytest.raises(FingerprintMismatch) as caught:
            await Peer(server.address, server.port, wrong).login("root@pam", Secret(PASSWORD))
    assert server.handshakes == 1
    assert server.received == b""
    assert wrong in caught.value.message
    assert server.fingerprint in caught.value.message


@pytest.mark.parametrize(("name", "expired"), [("alpha", False), ("mallory", False), ("alpha", True)])
async def test_a_stranger_in_the_middle_learns_nothing(name: str, expired: bool) -> None:
    expected = certificate("the real one")[1]
    with tls_server(api({}), name=name, expired=expired) as server, pytest.raises(FingerprintMismatch):
        await Peer(server.address, server.port, expected).login("root@pam", Secret(PASSWORD))
    assert server.handshakes == 1
    assert server.received == b""


async def test_the_fingerprint_alone_decides_and_its_case_does_not() -> None:
    with tls_server(api({}), name="another name", expired=True) as server:
        session = await Peer(server.address, server.port, server.fingerprint.lower()).login(
            "root@pam", Secret(PASSWORD)
        )
    assert isinstance(session, PeerSession)


async def test_a_peer_is_reached_at_an_ipv6_literal_too() -> None:
    with tls_server(api({"GET /api2/json/version": {"release": "9.2"}}), address="::1") as server:
        session = await signed_in(server)
        assert await session.get("/version") == {"release": "9.2"}
    assert f"Host: [::1]:{server.port}".encode() in server.received


async def test_a_peer_is_reached_by_its_name_too() -> None:
    with tls_server(api({})) as server:
        assert await Peer("localhost", server.port, server.fingerprint).login("root@pam", Secret(PASSWORD))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_tls_older_than_1_2_is_refused() -> None:
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
    anything.minimum_version = ssl.TLSVersion.TLSv1_1
    anything.set_ciphers("ALL:@SECLEVEL=0")
    with tls_server(api({}), newest=ssl.TLSVersion.TLSv1_1) as server:
        with socket.create_connection((server.address, server.port)) as plain, anything.wrap_socket(plain) as line:
            assert line.version() == "TLSv1.1"  # so it is not the server that refuses
        with pytest.raises(PeerError, match="TLS"):
            await signed_in(server)
    assert server.received == b""


def test_a_probe_shows_the_fingerprint_and_sends_nothing() -> None:
    with tls_server(api({})) as server:
        assert probe_fingerprint(server.address, server.port) == server.fingerprint
    assert server.received == b""


@pytest.mark.parametrize(
    "address", ["", "10.0.0.1/24", "fe80::1%eth0", "a b", "a..b", "x\n", "user@host", "-x", "a:80"]
)
async def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Peer(address, 8006, certificate()[1])
    assert "hostname" in caught.value.fields


@pytest.mark.parametrize("fingerprint", ["", "AB:CD", "AB" * 32, "G" + certificate()[1][1:], certificate()[1] + "\n"])
async def test_a_fingerprint_that_is_none_is_refused(fingerprint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Peer("127.0.0.1", 8006, fingerprint)
    assert "fingerprint" in caught.value.fields


# --- unreachable ------------------------------------------------------------------------------------------------------


async def test_a_closed_port_is_named_with_its_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(PeerError, match=f"127.0.0.1:{port} refused the connection"):
        await Peer("127.0.0.1", port, certificate()[1]).login("root@pam", Secret(PASSWORD))


async def test_a_name_nobody_knows_is_said_to_be_that() -> None:
    with pytest.raises(PeerError, match="does not resolve"):
        await Peer("no-such-node.invalid", 8006, certificate()[1], deadline_s=20).login("root@pam", Secret(PASSWORD))


async def test_a_peer_that_accepts_and_says_nothing_is_given_up_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        peer = Peer("127.0.0.1", silent.getsockname()[1], certificate()[1], deadline_s=0.3)
        with pytest.raises(PeerError, match=r"within 0\.3 s"):
            await peer.login("root@pam", Secret(PASSWORD))


async def test_a_peer_that_speaks_plain_http_is_refused_before_it_hears_anything() -> None:
    heard = []

    def answer_in_clear(listener: socket.socket) -> None:
        line, _ = listener.accept()
        with line:
            heard.append(line.recv(65536))
            line.sendall(answer(200, b'{"data":1}'))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_in_clear, args=[listener])
        thread.start()
        with pytest.raises(PeerError, match="TLS"):
            await Peer("127.0.0.1", listener.getsockname()[1], certificate()[1]).login("root@pam", Secret(PASSWORD))
        thread.join(5)
    assert PASSWORD.encode() not in heard[0]


# --- answers that are none --------------------------------------------------------------------------------------------

STRANGE = "not an API's answer"
NOT_ANSWERS = {
    "a redirect": (b"HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "redirect"),
    "a redirect with a JSON body": (answer(307, b'{"data":1}', reason="Temporary Redirect"), "redirect"),
    "switching protocols": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "HTTP 101"),
    "processing, and no end": (b"HTTP/1.1 102 Processing\r\n\r\n", "HTTP 102"),
    "html": (answer(200, b"<html>sign in</html>", content_type="text/html"), STRANGE),
    "json that says it is html": (answer(200, b'{"data":1}', content_type="text/html"), STRANGE),
    "no json": (answer(200, b"{data"), STRANGE),
    "a list": (answer(200, b"[1]"), STRANGE),
    "no data": (answer(200, b'{"success":1}'), "without data"),
    "not a number": (answer(200, b'{"data":NaN}'), STRANGE),
    "json too deep": (answer(200, b'{"data":' + b"[" * 200_000 + b"]" * 200_000 + b"}"), STRANGE),
    "compressed": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n"
        b"\x1f\x8b\x08\x00",
        STRANGE,
    ),
    "cut short": (
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"data":1}',
        "in the middle",
    ),
    "no length": (b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"data":1}', "how long"),
    "no http": (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
    "nothing": (b"", "closed the connection"),
}


@pytest.mark.parametrize("what", NOT_ANSWERS)
async def test_what_is_not_an_answer_of_the_api_is_refused(what: str) -> None:
    said, words = NOT_ANSWERS[what]
    with tls_server(api({"GET /api2/json/version": said})) as server:
        session = await signed_in(server)
        with pytest.raises(PeerError, match=words) as caught:
            await session.get("/version")
    assert not isinstance(caught.value, (PeerRefused, FingerprintMismatch))
    assert f"127.0.0.1:{server.port}" in caught.value.message
    assert len(server.requests) == 2  # signing in, and one attempt


def announces_two_gigabytes(line: ssl.SSLSocket, _request: bytes) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2147483648\r\n\r\n")
    pours(line)


def pours_chunks(line: ssl.SSLSocket, _request: bytes) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    pours(line, b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def continues_for_ever(line: ssl.SSLSocket, _request: bytes) -> None:
    pours(line, b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


poured = 0


def pours(line: ssl.SSLSocket, part: bytes = b" " * 65536) -> None:
    """Up to two gigabytes, until the other side has had enough."""
    global poured
    poured = 0
    while poured < 2 << 30:
        line.sendall(part)
        poured += len(part)


@pytest.mark.parametrize("script", [announces_two_gigabytes, pours_chunks, continues_for_ever])
async def test_two_gigabytes_are_not_read(script: object) -> None:
    with tls_server(script) as server, pytest.raises(PeerError, match="more than 1048576 bytes"):  # type: ignore[arg-type]
        await signed_in(server)
    assert poured < 64 << 20


async def test_an_answer_just_within_the_cap_is_read() -> None:
    data = "x" * ((1 << 20) - len('{"data": ""}'))
    with tls_server(api({"GET /api2/json/version": data})) as server:
        assert await (await signed_in(server)).get("/version") == data


@pytest.mark.parametrize("slow_part", ["head", "body"])
async def test_an_answer_that_drips_is_given_up_at_the_deadline(slow_part: str) -> None:
    stopped = threading.Event()

    def drips(line: ssl.SSLSocket, _request: bytes) -> None:
        said = answer(200, b" " * 600 + b'{"data":1}')
        at_once = said.index(b"\r\n\r\n") + 4 if slow_part == "body" else 0
        line.sendall(said[:at_once])
        for byte in said[at_once:]:
            if stopped.wait(0.1):
                return
            line.sendall(bytes([byte]))

    with tls_server(drips) as server:
        began_s = time.monotonic()
        with pytest.raises(PeerError, match=r"within 0\.5 s"):
            await peer_of(server, deadline_s=0.5).login("root@pam", Secret(PASSWORD))
        stopped.set()
    assert time.monotonic() - began_s < 30  # at that pace the whole answer takes a minute


async def test_cancelling_cuts_the_line_at_once() -> None:
    asked, cut = threading.Event(), threading.Event()

    def waits(line: ssl.SSLSocket, _request: bytes) -> None:
        asked.set()
        if line.recv(1) == b"":
            cut.set()

    with tls_server(waits) as server:
        task = asyncio.create_task(signed_in(server))
        assert await asyncio.to_thread(asked.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(cut.wait, 5)


# --- the conversation -------------------------------------------------------------------------------------------------


async def test_a_session_carries_ticket_and_csrf_token_as_the_api_wants_them() -> None:
    routes = {"GET /api2/json/cluster/config/apiversion": 1, "POST /api2/json/cluster/config/nodes/beta": {"ok": 1}}
    with tls_server(api(routes)) as server:
        session = await signed_in(server)
        assert await session.get("/cluster/config/apiversion") == 1
        assert await session.post("/cluster/config/nodes/beta", link0="10.0.0.2", force=True, votes=None) == {"ok": 1}
    login, get, post = (request.decode() for request in server.requests)
    assert "Cookie" not in login
    assert login.endswith("\r\n\r\nusername=root%40pam&password=correct+horse+battery+staple")
    cookie = "Cookie: PVEAuthCookie=PVE%3Aroot%40pam%3A68A1B2C3%3A%3Ac2lnbmF0dXJl%2B%2F%3D\r\n"
    assert cookie in get
    assert "CSRFPreventionToken" not in get
    assert cookie in post
    assert f"CSRFPreventionToken: {CSRF}\r\n" in post
    assert post.endswith("\r\n\r\nlink0=10.0.0.2&force=1")


async def test_a_refusal_carries_the_peers_own_words_and_fields() -> None:
    said = {"data": None, "message": "cannot add existing node\n", "errors": {"error0": "no nodes", "warning0": "old"}}
    refused = answer(500, json.dumps(said).encode(), reason="cannot add existing node")
    with tls_server(api({"POST /api2/json/cluster/config/nodes/beta": refused})) as server:
        session = await signed_in(server)
        with pytest.raises(PeerRefused) as caught:
            await session.post("/cluster/config/nodes/beta")
    assert caught.value.message == "cannot add existing node"
    assert caught.value.fields == {"error0": "no nodes", "warning0": "old"}


async def test_without_a_message_the_reason_beside_the_status_speaks() -> None:
    refused = answer(401, b'{"data":null}', reason="authentication failure")
    with (
        tls_server(api({SIGN_IN: refused})) as server,
        pytest.raises(PeerRefused, match="^authentication failure$"),
    ):
        await signed_in(server)


async def test_an_empty_401_is_a_refusal_too() -> None:
    refused = b"HTTP/1.1 401 No ticket\r\nContent-Length: 0\r\n\r\n"
    with tls_server(api({"GET /api2/json/version": refused})) as server:
        session = await signed_in(server)
        with pytest.raises(PeerRefused, match="401 No ticket"):
            await session.get("/version")


async def test_a_peer_that_asks_for_a_second_factor_is_not_signed_in() -> None:
    pending = {"ticket": TICKET, "CSRFPreventionToken": CSRF, "NeedTFA": 1}
    with (
        tls_server(api({SIGN_IN: pending})) as server,
        pytest.raises(PeerRefused, match="second factor"),
    ):
        await signed_in(server)


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"ticket": TICKET}, {"ticket": 1, "CSRFPreventionToken": CSRF},
     {"ticket": TICKET, "CSRFPreventionToken": "x\r\nCookie: y"}, {"ticket": "x" * 9999, "CSRFPreventionToken": CSRF}],
)  # fmt: skip
async def test_what_is_no_ticket_is_not_used_as_one(data: object) -> None:
    with (
        tls_server(api({SIGN_IN: data})) as server,
        pytest.raises(PeerError, match="not a ticket"),
    ):
        await signed_in(server)


async def test_a_peers_words_cannot_write_to_the_terminal() -> None:
    said = json.dumps({"data": None, "message": "\x1b[2J\nTASK OK\r" + "x" * 5000, "errors": {"a\n": {"b": "\x07"}}})
    with tls_server(api({"GET /api2/json/version": answer(500, said.encode())})) as server:
        session = await signed_in(server)
        with pytest.raises(PeerRefused) as caught:
            await session.get("/version")
    words = [caught.value.message, *caught.value.fields, *caught.value.fields.values()]
    assert all(text.isprintable() and len(text) <= 1000 for text in words)


@pytest.mark.parametrize("path", ["version", "/a b", "/a\r\nX: y", "/../?x", "/a#b"])
async def test_a_path_is_only_a_path(path: str) -> None:
    with tls_server(api({})) as server:
        session = await signed_in(server)
        with pytest.raises(InvalidInput):
            await session.get(path)
    assert len(server.requests) == 1


async def test_no_secret_shows_in_a_repr_or_in_what_is_raised() -> None:
    with tls_server(api({"GET /api2/json/version": answer(500, b'{"data":null}', reason="no")})) as server:
        session = await signed_in(server)
        raised: list[QuireError] = []
        for attempt in (session.get("/version"), session.get("/bad path")):
            with pytest.raises(QuireError) as caught:
                await attempt
            raised.append(caught.value)
        wrong = Peer(server.address, server.port, changed_by_one_digit(server.fingerprint))
        with pytest.raises(FingerprintMismatch) as mismatch:
            await wrong.login("root@pam", Secret(PASSWORD))
    shown = [repr(session), repr(session.peer), *map(repr, raised), repr(mismatch.value), str(vars(mismatch.value))]
    assert not any(secret in text for secret in (PASSWORD, TICKET, CSRF, "c2lnbmF0dXJl") for text in shown)


# --- what a node missed -----------------------------------------------------------------------------------------------


async def test_history_is_fetched_as_bytes_with_a_proof_of_membership() -> None:
    missed = bytes(range(256)) * 40_000  # 10 MB, in chunks, as the site streams it

    def streams(line: ssl.SSLSocket, _request: bytes) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n")
        line.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(missed), 1 << 20):
            part = missed[start : start + (1 << 20)]
            line.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        line.sendall(b"0\r\n\r\n")

    with tls_server(streams) as server:
        key = b"k" * 256
        got = await fetch(server.address, server.port, server.fingerprint, 2, key, b"what I have")
    assert got == missed
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines[1:])
    assert lines[0] == "POST /peer/history HTTP/1.1"
    assert body == b"what I have"
    assert fields[peers.NODE_HEADER] == "2"
    peers.check_proof(key, fields[peers.PROOF_HEADER], 2, body, time.time(), peers.ReplayCache())


async def test_history_larger_than_asked_for_is_not_read() -> None:
    def pours_bytes(line: ssl.SSLSocket, _request: bytes) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n")
        line.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        pours(line, b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    with tls_server(pours_bytes) as server, pytest.raises(PeerError, match="more than 100000 bytes"):
        await fetch(server.address, server.port, server.fingerprint, 2, b"k", b"", size_max=100_000)


async def test_history_refused_is_told_in_the_others_words() -> None:
    refused = answer(401, b'{"data":null,"message":"The asking node did not prove that it is a member."}')
    with tls_server(saying(refused)) as server, pytest.raises(PeerRefused, match="did not prove"):
        await fetch(server.address, server.port, server.fingerprint, 2, b"k", b"")


async def test_the_key_does_not_travel_with_a_fetch() -> None:
    with tls_server(saying(answer(200, b"", content_type="application/octet-stream"))) as server:
        await fetch(server.address, server.port, server.fingerprint, 2, b"the cluster's key", b"")
    assert b"the cluster's key" not in server.received
