"""Websockets through the web server: they work, and a client that sends too much is closed without harm to others."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.datacenter.served import Served, serving
from tests.datacenter.websocket_line import CLOSE, PING, PONG, TEXT, WebSocketLine
from tests.places import own_port

PORT = own_port()
PINGS, IDLE = 20_000, 500


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, PORT) as served:
        yield served


def test_a_socket_carries_messages_both_ways_and_does_not_say_who_made_it(server: Served) -> None:
    with server.line() as line:
        socket = WebSocketLine(line)
        assert socket.status == 101
        assert b"\r\nserver:" not in socket.head.lower() and b"autobahn" not in socket.head.lower()
        socket.send(b"hello")
        assert socket.receive() == (TEXT, b"hello")


def test_when_the_server_ends_sockets_are_told_to_come_back(server: Served) -> None:
    with server.line() as line:
        socket = WebSocketLine(line)
        socket.send(b"hello")
        socket.receive()
        server.terminate()
        assert socket.closed_with() == 1012
    assert server.process.wait(5) == 0


def test_t45_a_message_that_is_too_large_closes_its_own_socket_only(server: Served) -> None:
    with server.line() as rude_line, server.line() as good_line:
        rude, good = WebSocketLine(rude_line), WebSocketLine(good_line)
        rude.send(b"x" * (2 << 20))
        assert rude.closed_with() == 1009
        good.send(b"still here")
        assert good.receive() == (TEXT, b"still here")


def test_t45_fragments_without_an_end_are_too_large_as_well(server: Served) -> None:
    with server.line() as line:
        socket = WebSocketLine(line)
        socket.send(b"x" * 30_000, final=False)
        for _ in range(3):
            socket.send(b"x" * 30_000, kind=0, final=False)
        assert socket.closed_with() == 1009


def test_t45_more_messages_than_the_site_takes_close_the_socket(server: Served) -> None:
    with server.line() as line:
        socket = WebSocketLine(line)
        socket.send(b"wait")
        before = server.memory_bytes()
        with pytest.raises(OSError):  # noqa: PT012, PT011  (closed while sending, or while reading)
            for _ in range(10_000):
                socket.send(b"x" * 1000)
            assert socket.closed_with() == 1008
            raise ConnectionError
        assert server.memory_bytes() - before < 20 << 20
    response, _ = server.request("GET", "/test/x")
    assert response.status == 200


def test_t45_a_flood_of_pings_whose_answers_nobody_reads_is_ended(server: Served) -> None:
    gone = (ConnectionError, ssl.SSLError)  # whoever goes on sending may lose the words why
    with server.line() as line:
        socket = WebSocketLine(line)
        with contextlib.suppress(*gone):
            for _ in range(PINGS):
                socket.send(b"x" * 125, kind=PING)
        with contextlib.suppress(*gone):
            assert socket.closed_with() == 1008
    response, _ = server.request("GET", "/test/x")
    assert response.status == 200


def test_t45_a_ping_now_and_then_is_answered(server: Served) -> None:
    with server.line() as line:
        socket = WebSocketLine(line)
        for number in range(5):
            socket.send(b"%d" % number, kind=PING)
            assert socket.receive() == (PONG, b"%d" % number)


@pytest.mark.slow
def test_t45_many_idle_sockets_keep_nobody_waiting(server: Served) -> None:
    with contextlib.ExitStack() as lines:
        idle = [WebSocketLine(lines.enter_context(server.line())) for _ in range(IDLE)]
        assert {each.status for each in idle} == {101}
        for _ in range(10):
            assert server.request("GET", "/test/x")[0].status == 200
        idle[-1].send(b"still here")
        assert idle[-1].receive() == (TEXT, b"still here")


def test_a_client_that_closes_is_answered(server: Served) -> None:
    with server.line() as line:
        socket = WebSocketLine(line)
        socket.send(b"\x03\xe8", kind=CLOSE)
        assert socket.closed_with() == 1000
