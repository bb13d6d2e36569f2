"""The live socket as a page uses it: who gets one, what it hears, and what it may say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator

from cluster.control import requests as ask
from cluster.control.requests import as_plain
from cluster.errors import Unavailable
from cluster.model import Change
from datacenter.live import consumers
from datacenter.live.outlet import UNSEEN_MAX
from datacenter.routing import sockets
from datacenter.templatetags.quire import mark
from tests.datacenter.conftest import cookie_of, ticket
from tests.datacenter.fake_daemon import FakeDaemon

HOST = b"node.example:8006"
OWN = b"https://node.example:8006"
WAIT_S = 10

Open = Callable[..., Awaitable[WebsocketCommunicator]]


def dial(
    life: int = 1, origin: bytes | None = OWN, path: str = "/live", host: bytes = HOST, others: bytes = b"other=1; "
) -> WebsocketCommunicator:
    headers = [(b"host", host), (b"cookie", others + f"{cookie_of(life)}={quote(ticket(life), safe='')}".encode())]
    if origin is not None:
        headers.append((b"origin", origin))
    return WebsocketCommunicator(sockets, path, headers)


@pytest.fixture
async def opened(daemon: FakeDaemon) -> AsyncIterator[Open]:
    """Open a page's socket; changes of the daemon reach it."""
    layer: Any = get_channel_layer()
    sending: list[asyncio.Future[None]] = []
    sockets_open: list[WebsocketCommunicator] = []

    def send(change: Change) -> None:
        message = {"type": "live.change", "change": as_plain(change), "source": daemon.source}
        sending.append(asyncio.ensure_future(layer.group_send("live", message)))

    async def open_one(path: str = "/live") -> WebsocketCommunicator:
        socket = dial(daemon.life, path=path)
        assert (await socket.connect(WAIT_S))[0]
        sockets_open.append(socket)
        return socket

    daemon.listener = send
    yield open_one
    for socket in sockets_open:
        await socket.disconnect(timeout=WAIT_S)
    await asyncio.gather(*sending)


async def hear(socket: WebsocketCommunicator, what: str) -> str:
    """The next message with `what` in it."""
    while True:
        message: str = await socket.receive_from(WAIT_S)
        if what in message:
            return message


async def closed_with(socket: WebsocketCommunicator) -> int:
    connected, code = await socket.connect(WAIT_S)
    if connected:
        said = await socket.receive_output(WAIT_S)
        assert said["type"] == "websocket.close"
        code = said["code"]
    await socket.wait(WAIT_S)
    return int(code or 0)


# --- who gets one -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        None,
        b"null",
        b"https://evil.example",
        b"https://node.example",
        b"https://node.example:8007",
        b"http://node.example:8006",
        b"https://NODE.example:8006",
        b"https://node.example.:8006",
        b"https://xn--nde-sna.example:8006",
        b"https://node.example:8006.evil.example",
    ],
)
async def test_t32_a_page_of_another_site_is_closed_before_it_opens(daemon: FakeDaemon, origin: bytes | None) -> None:
    socket = dial(origin=origin)
    connected, code = await socket.connect(WAIT_S)
    assert not connected and code == consumers.FOREIGN_ORIGIN
    await socket.wait(WAIT_S)


async def test_a_ticket_that_is_not_good_is_told_so(daemon: FakeDaemon) -> None:
    assert await closed_with(dial(life=9)) == consumers.NOT_SIGNED_IN


async def test_a_daemon_that_does_not_answer_means_try_again_later(daemon: FakeDaemon) -> None:
    daemon.refusals[ask.CheckTicket] = Unavailable("The daemon of this node does not answer.")
    assert await closed_with(dial()) == consumers.TRY_AGAIN_LATER


@pytest.mark.parametrize(
    "others", [b"a[]=1; ", b'j={"a": "b, c"}; ', "ä=ü; ".encode("latin-1"), b"; ;=; ;", b"x; ", b'q="; ', b"$Path=/; "]
)
async def test_t32_odd_cookies_of_other_sites_on_this_host_close_nobodys_socket(
    daemon: FakeDaemon, others: bytes
) -> None:
    socket = dial(others=others)
    assert (await socket.connect(WAIT_S))[0]
    assert "live-flow" in await hear(socket, "live-flow")
    await socket.disconnect(timeout=WAIT_S)


async def test_there_is_no_other_socket(daemon: FakeDaemon) -> None:
    socket = dial(path="/elsewhere")
    assert await socket.connect(WAIT_S) == (False, 4404)


# --- what it hears ----------------------------------------------------------------------------------------------------


async def test_a_page_hears_all_there_is_and_then_each_change(daemon: FakeDaemon, opened: Open) -> None:
    daemon.form(3)
    socket = await opened()
    snapshot = await hear(socket, 'id="cluster-nodes"')
    assert "gamma" in snapshot and f'data-change-number="{daemon.number}"' in snapshot
    daemon.set_online("gamma", False)
    change = await hear(socket, 'id="node-state-gamma"')
    assert 'data-state="offline"' in change and "Live" in snapshot


async def test_a_page_that_is_up_to_date_is_sent_nothing_it_has(daemon: FakeDaemon, opened: Open) -> None:
    daemon.form(3)
    socket = await opened(f"/live?at={quote(daemon.source)}:{daemon.number}")
    first = await hear(socket, "live-mark")
    assert "live-flow" in first and "cluster-nodes" not in first
    late = await opened("/live?at=former:3")
    assert "cluster-nodes" in await hear(late, "cluster-nodes")


async def test_a_nodes_page_hears_of_that_node(daemon: FakeDaemon, opened: Open) -> None:
    daemon.form(3)
    socket = await opened()
    await socket.send_to(json.dumps({"node": "beta"}))
    await hear(socket, 'id="node-card-beta"')
    daemon.sample(5)
    assert "node-readings-beta" in await hear(socket, "node-readings-")


async def test_a_watched_log_comes_whole_and_then_line_by_line(daemon: FakeDaemon, opened: Open) -> None:
    upid = daemon.begin("clustercreate", ("first step", "second step"), lambda: None)
    socket = await opened()
    await hear(socket, "first step")
    await socket.send_to(json.dumps({"watch": upid}))
    whole = await hear(socket, "<ol")
    assert "first step" in whole and "hx-swap-oob=true" in whole
    daemon.go_on()
    added = await hear(socket, "beforeend")
    assert "second step" in added and "first step" not in added


async def test_a_window_that_opens_after_its_task_has_ended_is_told_so(daemon: FakeDaemon, opened: Open) -> None:
    """The window was made while it ran; what was pushed until it was on the page had no place there."""
    upid = daemon.begin("clustercreate", ("first step",), lambda: None)
    socket = await opened()
    daemon.go_on()
    await hear(socket, ">Done<")
    await socket.send_to(json.dumps({"watch": upid}))
    assert f'id="task-status-{mark(upid)}"' in await hear(socket, ">Done<")


async def test_a_hole_in_the_log_fills_it_anew(daemon: FakeDaemon, opened: Open) -> None:
    upid = daemon.begin("clustercreate", ("first step",), lambda: None)
    socket = await opened()
    await socket.send_to(json.dumps({"watch": upid}))
    await hear(socket, "hx-swap-oob=true")
    daemon.logs[upid] += ["lost one", "lost two"]
    daemon.log(upid, "after the hole")
    whole = await hear(socket, "after the hole")
    assert "lost one" in whole and "beforeend" not in whole


async def test_what_a_page_is_not_sent_takes_none_of_its_room(daemon: FakeDaemon, opened: Open) -> None:
    """Lines of a log it does not show: it can never say that it has seen them."""
    daemon.form(3)
    upid = daemon.begin("clustercreate", ("first step",), lambda: None)
    socket = await opened()
    await hear(socket, 'id="cluster-nodes"')
    for number in range(UNSEEN_MAX + 1):
        daemon.log(upid, f"line {number}")
        await asyncio.sleep(0.001)
    daemon.set_online("gamma", False)
    assert 'data-state="offline"' in await hear(socket, 'id="node-state-gamma"')


async def test_a_task_nobody_knows_can_be_watched_in_vain(daemon: FakeDaemon, opened: Open) -> None:
    socket = await opened()
    await socket.send_to(json.dumps({"watch": "UPID:nothing"}))
    daemon.form(2)
    await hear(socket, "cluster-nodes")


async def test_a_quiet_page_hears_that_its_socket_lives(
    daemon: FakeDaemon, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "PULSE_S", 0.05)
    socket = await opened()
    await hear(socket, "live-pulse")


async def test_t69_a_ticket_that_is_withdrawn_ends_its_sockets(
    daemon: FakeDaemon, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_S", 0.05)
    monkeypatch.setattr("datacenter.access.tickets.KEPT_SECONDS_MAX", 0.0)
    socket = await opened()
    daemon.life = 5
    while (said := await socket.receive_output(WAIT_S))["type"] != "websocket.close":
        pass
    assert said["code"] == consumers.NOT_SIGNED_IN


async def test_t69_a_right_taken_away_ends_the_sockets_that_were_opened_with_it(
    daemon: FakeDaemon, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "RECHECK_S", 0.05)
    socket = await opened()
    await hear(socket, "cluster-nodes")
    daemon.held = {}
    while (said := await socket.receive_output(WAIT_S))["type"] != "websocket.close":
        pass
    assert said["code"] == consumers.RIGHTS_CHANGED


# --- what it may say --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "hello",
        "[]",
        '{"seen": -1}',
        '{"seen": "x"}',
        '{"do": "harm"}',
        '{"watch": 5}',
        '{"watch": "%s"}' % ("U" * 257),
        "{" * 2000,
    ],
)
async def test_anything_else_ends_it(daemon: FakeDaemon, opened: Open, said: str) -> None:
    socket = await opened()
    await socket.send_to(said)
    while (heard := await socket.receive_output(WAIT_S))["type"] != "websocket.close":
        pass
    assert heard["code"] == consumers.NOT_UNDERSTOOD


async def test_bytes_are_not_understood(daemon: FakeDaemon, opened: Open) -> None:
    socket = await opened()
    await socket.send_to(bytes_data=b"\x00")
    while (heard := await socket.receive_output(WAIT_S))["type"] != "websocket.close":
        pass
    assert heard["code"] == consumers.NOT_UNDERSTOOD
