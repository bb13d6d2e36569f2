"""The web server among many clients, honest and not: nobody gets another's answer, and nobody is kept waiting."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.datacenter.served import ADDRESS, Served, eventually, serving, trusting
from tests.places import own_port

PORT = own_port()
HALF_OPEN = 500


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, PORT) as served:
        yield served


def test_t37_nobody_gets_another_s_answer(server: Served) -> None:
    def ask(client: int) -> int:
        connection = http.client.HTTPSConnection(ADDRESS, PORT, context=trusting(), timeout=30)
        crossed = 0
        for number in range(50):
            tag = f"{client}-{number}".encode()
            connection.request("POST", "/test/echo", tag)
            crossed += connection.getresponse().read() != tag
        connection.close()
        return crossed

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(ask, range(20))) == 0


@pytest.mark.slow
def test_t48_half_open_connections_keep_nobody_waiting(server: Served) -> None:
    lines: list[socket.socket] = []
    try:
        for number in range(HALF_OPEN):
            line = server.plain_line()
            if number % 3:
                line.sendall(b"\x16\x03\x01" if number % 3 == 1 else b"G")
            lines.append(line)
        with server.line() as slow:
            slow.sendall(b"GET /test/x HTTP/1.1\r\n")
            worst = 0.0
            for _ in range(10):
                began = time.monotonic()
                assert server.request("GET", "/test/x")[0].status == 200
                worst = max(worst, time.monotonic() - began)
        assert worst < 10  # the suite's machine may be busy; a server held up would wait for ever
    finally:
        for line in lines:
            line.close()


@pytest.mark.slow
def test_t48_a_request_that_trickles_in_is_given_up(server: Served) -> None:
    with server.line() as line:
        line.settimeout(1)
        line.sendall(b"GET /test/x HTTP/1.1\r\nHost: a\r\n")

        def given_up() -> bool:
            try:
                line.sendall(b"X-A: b\r\n")
                return line.recv(12) == b"HTTP/1.1 408"
            except TimeoutError:
                return False

        eventually(given_up, 40)
