"""Fetching history from a member whose certificate is not the one it announced last."""

from __future__ import annotations

import ssl

import msgspec
import pytest

from cluster.core.effects import Fetch
from cluster.core.messages import Point
from cluster.errors import FingerprintMismatch
from cluster.node.catchup import History, PeerHistories, contact_of
from tests.control.tls import certificate, tls_server

WANTED = Point(1, 1, b"x" * 32)


def give(line: ssl.SSLSocket, request: bytes) -> None:
    body = msgspec.msgpack.encode(History(WANTED, None, ()))
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    line.sendall(head.encode() + body)


async def test_a_certificate_that_was_changed_since_the_announcement_is_known_from_the_view() -> None:
    _, former = certificate("former")
    with tls_server(give) as source:
        announced, in_the_view = (contact_of(source.address, source.port, one) for one in (former, source.fingerprint))
        histories = PeerHistories(2, lambda: b"key", lambda node_id: announced)
        assert (await histories.fetch(Fetch(7, 1, in_the_view, (), WANTED))).common == WANTED
        with pytest.raises(FingerprintMismatch):
            await histories.fetch(Fetch(7, 1, announced, (), WANTED))
    assert len(source.requests) == 1, "nothing is sent to a stranger"
