"""Carrying API calls to other nodes: to members only, to their own certificate only, and never for long."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from cluster.control.node_requests import ForwardCall
from cluster.errors import Busy, FingerprintMismatch, InvalidInput, NotFound, PeerError
from cluster.model import ClusterState, NodeState
from cluster.node import forwarding
from cluster.node.board_messages import Announcement
from cluster.node.forwarding import Forwarding
from cluster.secret import Secret
from tests.control.tls import Server, answer, certificate, saying, tls_server

ALPHA = NodeState("alpha", 1, 1, address="127.0.0.1", local=True, online=True)
BETA = NodeState("beta", 2, 1, address="127.0.0.1", online=True)
GAMMA = NodeState("gamma", 3, 1, online=False, since_s=1.0)
STATE = ClusterState("alpha", "demo", 1, (ALPHA, BETA, GAMMA))


def said(port: int, fingerprint: str, name: str = "beta") -> Announcement:
    return Announcement(name, "127.0.0.1", port, fingerprint, "1")


def carrier(announcement: Announcement | None) -> Forwarding:
    return Forwarding(lambda: STATE, lambda node_id: announcement)


def to(node: str = "beta", target: str = "json/nodes/beta/status", **more: object) -> ForwardCall:
    return ForwardCall(node=node, http_method="GET", target=target, credentials={"Cookie": Secret("c=1")}, **more)  # type: ignore[arg-type]


async def carried(server: Server, request: ForwardCall | None = None) -> dict[str, object]:
    return await carrier(said(server.port, server.fingerprint)).carry(request or to())


async def test_a_call_arrives_with_who_asks_and_the_answer_comes_back() -> None:
    with tls_server(saying(answer(404, b'{"data":null}', reason="No such thing"))) as server:
        told = await carried(server)
    assert told == {
        "status": 404, "reason": "No such thing", "content_type": "application/json", "body": b'{"data":null}',
    }  # fmt: skip
    head = server.received.decode()
    assert head.startswith("GET /api2/json/nodes/beta/status HTTP/1.1\r\n")
    assert "Cookie: c=1\r\n" in head and "PVEDisableProxy: true\r\n" in head


async def test_t33_another_certificate_than_the_announced_one_is_told_nothing() -> None:
    with tls_server(saying(answer(200, b"{}"))) as server, pytest.raises(FingerprintMismatch):
        await carrier(said(server.port, certificate("mallory")[1])).carry(to())
    assert server.received == b""


async def test_t33_a_redirect_is_an_answer_like_any_other_and_not_followed() -> None:
    with tls_server(saying(answer(302, b"", reason="Found\r\nLocation: https://127.0.0.1/"))) as server:
        assert (await carried(server))["status"] == 302
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["delta", "127.0.0.1", "beta@127.0.0.1", "", "beta."])
async def test_t33_only_a_member_is_asked(name: str) -> None:
    with pytest.raises(NotFound):
        await carrier(said(1, certificate()[1])).carry(to(name))


async def test_an_offline_node_is_not_even_tried() -> None:
    with pytest.raises(PeerError, match="'gamma' is offline since 1970-01-01 00:00:01 UTC"):
        await carrier(said(1, certificate()[1], "gamma")).carry(to("gamma"))


async def test_a_node_that_has_said_nothing_or_calls_itself_otherwise_is_not_asked() -> None:
    for announcement in (None, said(1, certificate()[1], "gamma")):
        with pytest.raises(PeerError, match="has not said yet"):
            await carrier(announcement).carry(to())


async def test_a_closed_port_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(PeerError, match="refused the connection"):
        await carrier(said(port, certificate()[1])).carry(to())


@pytest.mark.parametrize(
    "target",
    ["json/nodes/beta/x y", "json/x\r\nHost: evil", "html/nodes", "../etc", "json/nodes#x", "json/nodes/\x7f", ""],
)
async def test_t33_what_is_no_path_of_the_api_is_refused(target: str) -> None:
    with pytest.raises(InvalidInput):
        await carrier(said(1, certificate()[1])).carry(to(target=target))


async def test_t47_no_other_header_and_method_can_be_smuggled_in() -> None:
    wrong = [
        ForwardCall("beta", "TRACE", "json/nodes", {}),
        ForwardCall("beta", "GET", "json/nodes", {"Host": Secret("evil")}),
        ForwardCall("beta", "GET", "json/nodes", {"Cookie": Secret("a\r\nHost: evil")}),
        ForwardCall("beta", "POST", "json/nodes", {}, "text/plain\r\nX: y", b"x"),
    ]
    for request in wrong:
        with pytest.raises(InvalidInput):
            await carrier(said(1, certificate()[1])).carry(request)


async def test_a_node_that_hangs_has_a_bounded_queue_and_leaving_callers_free_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forwarding, "AT_ONCE_PER_NODE_MAX", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        to_silent = carrier(said(silent.getsockname()[1], certificate()[1]))
        waiting = [asyncio.create_task(to_silent.carry(to())) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await to_silent.carry(to())
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    end_s = time.monotonic() + 10
    while to_silent._under_way and time.monotonic() < end_s:  # noqa: ASYNC110 - the thread tells nobody
        await asyncio.sleep(0.02)
    assert not to_silent._under_way
