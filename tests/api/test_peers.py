"""The door for other nodes: bytes in, the daemon's pieces out, refusals as the API's envelope."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import AsyncClient

from cluster.control.requests import PeerHistory
from cluster.secret import Secret
from tests.api.conftest import body
from tests.api.fake_node import HISTORY, FakeNode

GOOD = {"Quire-Node": "2", "Quire-Proof": "good"}


async def ask(content: bytes = b"\x92\x01", headers: dict[str, str] | None = None, method: str = "POST") -> Any:
    return await AsyncClient().generic(
        method, "/peer/history", content, content_type="application/octet-stream", headers=GOOD | (headers or {})
    )


async def test_a_member_gets_all_pieces_in_order(node: FakeNode) -> None:
    response = await ask()
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert b"".join([piece async for piece in response.streaming_content]) == HISTORY
    asked = [request for request in node.asked if isinstance(request, PeerHistory)]
    assert [request.offset for request in asked] == [0, 300_000, 600_000]
    assert {(request.node_id, request.proof, request.body) for request in asked} == {(2, Secret("good"), b"\x92\x01")}


async def test_who_proves_nothing_is_refused_in_words(node: FakeNode) -> None:
    response = await ask(headers={"Quire-Proof": "bad"})
    assert response.status_code == 401
    assert "did not prove" in body(response)["message"]


@pytest.mark.parametrize(
    "headers",
    [{"Quire-Node": "0"}, {"Quire-Node": "-1"}, {"Quire-Node": "x"}, {"Quire-Proof": ""}, {"Quire-Proof": "p" * 999}],
)
async def test_malformed_headers_do_not_reach_the_daemon(headers: dict[str, str], node: FakeNode) -> None:
    assert (await ask(headers=headers)).status_code == 400
    assert node.asked == []


async def test_only_post_is_understood(node: FakeNode) -> None:
    assert (await ask(method="GET", content=b"")).status_code == 405
