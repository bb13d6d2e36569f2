"""The web server over a real socket: TLS, what it refuses, what it adds to answers, and how it ends."""

from __future__ import annotations

import contextlib
import gzip
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.datacenter.serve_site import LARGE
from tests.datacenter.served import Served, all_of, eventually, serving, trusting, write_certificate
from tests.places import own_port

PORT = own_port()


@pytest.fixture(scope="module")
def _module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("launcher"), PORT) as served:
        yield served


@pytest.fixture
def server(_module_server: Served) -> Iterator[Served]:
    yield _module_server
    assert _module_server.process.poll() is None, "the server has ended"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Served]:
    """For tests that end it or change its certificate."""
    with serving(tmp_path, own_port()) as served:
        yield served


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_speaks_modern_tls_with_forward_secrecy(server: Served, version: ssl.TLSVersion) -> None:
    context = trusting()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    with context.wrap_socket(server.plain_line()) as line:
        cipher = line.cipher()
        assert cipher is not None
        assert cipher[0].startswith(("ECDHE-", "TLS_")) and ("GCM" in cipher[0] or "CHACHA20" in cipher[0])
        assert line.selected_alpn_protocol() == "http/1.1"
        assert line.compression() is None


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("ciphers", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384"])
def test_it_refuses_old_ciphers(server: Served, ciphers: str) -> None:
    context = trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(ciphers + ":@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)), server.plain_line() as plain:
        context.wrap_socket(plain)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_it_refuses_tls_1_1(server: Served) -> None:
    context = trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)), server.plain_line() as plain:
        context.wrap_socket(plain)


def test_a_replaced_certificate_is_served_to_new_connections_while_old_ones_go_on(own_server: Served) -> None:
    former = own_server.fingerprint()
    with own_server.line() as line:
        fresh = write_certificate(own_server.folder, "beta")
        eventually(lambda: own_server.fingerprint() == fresh)
        assert fresh != former
        line.sendall(b"GET /test/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert all_of(line).startswith(b"HTTP/1.1 200")


def test_a_certificate_that_cannot_be_used_leaves_the_former_one(own_server: Served) -> None:
    former = own_server.fingerprint()
    (own_server.folder / "cert.pem").write_text("nonsense")
    assert own_server.fingerprint() == former
    assert own_server.fingerprint() == former
    (own_server.folder / "key.pem").unlink()
    assert own_server.fingerprint() == former
    assert (own_server.folder / "stderr").read_text().count("keeping the former certificate") == 1


def test_plain_http_is_sent_to_the_same_address_with_https(server: Served) -> None:
    for method, status in (("GET", "301 Moved Permanently"), ("POST", "308 Permanent Redirect")):
        with server.plain_line() as line:
            line.sendall(f"{method} /a?b=c HTTP/1.1\r\nHost: node:8006\r\n\r\n".encode())
            answer = all_of(line).decode()
        assert answer.startswith(f"HTTP/1.1 {status}\r\n")
        assert "\r\nLocation: https://node:8006/a?b=c\r\n" in answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET //evil HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nSet-Cookie: x\r\n\r\n",
        b"\x00\x01\r\n\r\n",
        b"x" * 9000,
    ],
)
def test_other_plain_bytes_are_refused(server: Served, request_bytes: bytes) -> None:
    with server.plain_line() as line:
        line.sendall(request_bytes)
        assert all_of(line).startswith(b"HTTP/1.1 400")


# --- what is refused at the door --------------------------------------------------------------------------------------


def raw(server: Served, request: bytes) -> bytes:
    with server.line() as line:
        line.sendall(request)
        return all_of(line)


def test_t44_a_body_of_half_a_megabyte_is_taken_and_one_byte_more_is_not(server: Served) -> None:
    size = 512 * 1024
    response, body = server.request("POST", "/test/echo", b"x" * size)
    assert (response.status, len(body)) == (200, 8192)  # the first part of what the application reads
    response, _ = server.request("POST", "/test/echo", b"x" * (size + 1))
    assert (response.status, response.getheader("Connection")) == (413, "close")


def test_t44_an_endless_body_costs_no_memory(server: Served) -> None:
    before = server.memory_bytes()
    head = b"POST /test/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"
    with server.line() as line:
        line.sendall(head)
        with pytest.raises(OSError):  # noqa: PT012, PT011  (cut off while sending, however the system words it)
            for _ in range(100_000):
                line.sendall(b"x" * 65536)
    assert server.memory_bytes() - before < 20 << 20


def test_t44_a_body_is_never_unpacked_and_one_without_a_length_is_not_read(server: Served) -> None:
    bomb, before = gzip.compress(b"0" * (100 << 20), 9), server.memory_bytes()
    response, body = server.request("POST", "/test/echo", bomb, {"Content-Encoding": "gzip"})
    assert (response.status, body) == (200, bomb[: len(body)])
    endless = b"POST /test/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    with server.line() as line:
        with contextlib.suppress(OSError):
            line.sendall(endless + b"10000\r\n" + b"x" * 65536)
        assert line.recv(12) == b"HTTP/1.1 501"
    assert server.memory_bytes() - before < 20 << 20


def test_t44_ten_thousand_headers_are_refused(server: Served) -> None:
    with server.line() as line:
        with contextlib.suppress(OSError):  # refused before all of it was sent
            line.sendall(b"GET /test/x HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: b\r\n" % n for n in range(10_000)))
        assert line.recv(12) in (b"HTTP/1.1 400", b"HTTP/1.1 431")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /test/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 501),
        (b"POST /test/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST /test/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"POST /test/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na", 400),
        (b"POST /test/echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\nOrigin: b\r\nOrigin: c\r\n\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\nX-A: b\x0bc\r\n\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\nX-A: b\x85c\r\n\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\n\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n\tCookie: c\r\n\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\n\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\n\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\n" + b"X-A: b\r\n" * 100 + b"\r\n", 400),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\nX-A: " + b"b" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /test/x HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"b" * 1000) for n in range(20)), 400),
        (b"GET /" + b"a" * 1_000_000, 431),
        (b"GET https://elsewhere/test/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"TRACE /test/x HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"BREW /test/x HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    ],
)
def test_t46_what_two_readers_could_read_differently_is_refused(
    server: Served, request_bytes: bytes, status: int
) -> None:
    with server.line() as line:
        line.settimeout(5)
        with contextlib.suppress(OSError):  # refused before all of it was sent
            line.sendall(request_bytes)
        assert line.recv(12) == b"HTTP/1.1 %d" % status


@pytest.mark.parametrize(
    "host",
    [
        b"a@b",
        b"<script>",
        b"a b",
        b"",
        b"[::1",
        b"a:",
        b"a:x",
        b"a:99999",
        b"a/b",
        b"a,b",
        b"a" * 300,
        b"[::1]x",
        b"a?b",
    ],
)
def test_t46_a_host_that_is_none_is_refused_at_the_door_and_fills_no_log(server: Served, host: bytes) -> None:
    """Django would say so too, with thirty lines in the log for each request of anybody's."""
    logged = (Path(server.folder) / "stderr").stat().st_size
    answer = raw(server, b"POST /test/headers HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400") and host not in answer.partition(b"\r\n\r\n")[2].strip() or not host
    assert (Path(server.folder) / "stderr").stat().st_size == logged


@pytest.mark.parametrize("host", [b"a", b"a.b-c", b"A.example.", b"10.0.0.1:8006", b"[::1]:8006", b"[fd00::1]"])
def test_a_host_that_is_one_is_served(server: Served, host: bytes) -> None:
    answer = raw(server, b"GET /test/headers HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


def test_t46_disguised_headers_do_not_reach_the_site(server: Served) -> None:
    request = (
        b"GET /test/headers HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX_Forwarded_For: 1.2.3.4\r\n"
        b"Daphne-Root-Path: /evil\r\nX-Forwarded-For: 5.6.7.8\r\n\r\n"
    )
    answer = raw(server, request)
    assert b"x-forwarded-for: 5.6.7.8" in answer and b"1.2.3.4" not in answer and b"evil" not in answer


# --- answers ----------------------------------------------------------------------------------------------------------


def test_t67_answers_do_not_say_who_made_the_server(server: Served) -> None:
    answers = [
        raw(server, b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path)
        for path in (b"/test/x", b"/test/broken", b"/nothing", b"http://x")
    ]
    for answer in answers:
        assert (
            b"daphne" not in answer.lower() and b"twisted" not in answer.lower() and b"autobahn" not in answer.lower()
        )
        assert b"\r\nserver:" not in answer.lower()
    assert answers[1].startswith(b"HTTP/1.1 500") and b"on purpose" not in answers[1]


def test_a_large_text_is_compressed_for_who_can_read_it(server: Served) -> None:
    response, body = server.request("GET", "/test/large", headers={"Accept-Encoding": "gzip, br"})
    assert response.getheader("Content-Encoding") == "gzip" and gzip.decompress(body) == LARGE
    assert response.getheader("Content-Length") == str(len(body)) and response.getheader("Vary") == "Accept-Encoding"
    response, body = server.request("GET", "/test/large")
    assert response.getheader("Content-Encoding") is None and body == LARGE
    assert response.getheader("Vary") == "Accept-Encoding"


def test_a_page_that_says_it_holds_no_secret_is_compressed_and_its_size_blurred(server: Served) -> None:
    sizes = set()
    for _ in range(20):
        response, body = server.request("GET", "/test/public", headers={"Accept-Encoding": "gzip"})
        assert response.getheader("Content-Encoding") == "gzip" and gzip.decompress(body) == LARGE
        assert response.getheader("Quire-Holds-No-Secret") is None
        sizes.add(len(body))
    assert len(sizes) > 1


@pytest.mark.parametrize("path", ["/test/secret", "/test/page", "/test/image", "/test/x", "/test/parts"])
def test_secrets_pages_images_small_and_partial_answers_are_not_compressed(server: Served, path: str) -> None:
    response, _ = server.request("GET", path, headers={"Accept-Encoding": "gzip"})
    assert response.status == 200 and response.getheader("Content-Encoding") is None


def test_one_connection_serves_many_requests(server: Served) -> None:
    request = b"GET /test/x HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET /test/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert raw(server, request * 20 + last).count(b"HTTP/1.1 200 OK") == 21


# --- the end ----------------------------------------------------------------------------------------------------------


def test_a_request_under_way_is_answered_before_the_server_ends(own_server: Served) -> None:
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(own_server.request("GET", "/test/slow")[0].status))
    asking.start()
    assert own_server.process.stdout is not None
    assert own_server.process.stdout.readline() == "slow began\n"
    own_server.terminate()
    asking.join(10)
    assert answers == [200]
    assert own_server.process.wait(10) == 0


def test_idle_connections_do_not_hold_up_the_end(own_server: Served) -> None:
    with own_server.line(), own_server.plain_line():
        own_server.terminate()
        assert own_server.process.wait(5) == 0


def test_an_occupied_port_is_said_in_words(server: Served, tmp_path: Path) -> None:
    write_certificate(tmp_path)
    command = [sys.executable, "-m", "tests.datacenter.serve_site", str(tmp_path), str(PORT)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, env=os.environ)
    assert ended.returncode != 0
    assert f"cannot listen on 127.0.0.1 port {PORT}" in ended.stderr
