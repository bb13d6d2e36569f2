"""What a session reads never goes back, whichever node it asks; and whoever asks for the newest gets it or a 503."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.control.requests import StorePoint
from cluster.errors import NoQuorum, Unavailable
from datacenter.seen import COOKIE, HEADER
from tests.api.conftest import Api, data
from tests.api.fake_node import POINT, FakeNode


def points_asked(node: FakeNode) -> list[Any]:
    return [(one.seen, one.consistent) for one in node.asked if isinstance(one, StorePoint)]


async def test_every_answer_tells_how_far_the_node_was(api: Api, node: FakeNode) -> None:
    answer = await api.get("/cluster/status")
    assert answer.headers[HEADER] == POINT
    assert COOKIE not in answer.cookies  # one here makes proxmoxer lose its ticket's
    assert points_asked(node) == [("", False)]


async def test_what_the_session_has_seen_is_waited_for_before_it_reads_again(api: Api, node: FakeNode) -> None:
    await api.call("GET", "/cluster/status", headers={HEADER: POINT})
    assert points_asked(node)[0] == (POINT, False)
    api.client.cookies[COOKIE] = POINT  # a browser has it from a page
    await api.get("/cluster/status")
    assert points_asked(node)[2] == (POINT, False)


async def test_a_node_that_is_behind_answers_503_and_when_to_ask_again(api: Api, node: FakeNode) -> None:
    node.refusals[StorePoint] = Unavailable("This node has not caught up.")
    asked = len(node.asked)
    answer = await api.call("GET", "/cluster/status", headers={HEADER: POINT})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert b"has not caught up" in answer.content
    assert "Status" not in [type(one).__name__ for one in node.asked[asked:]]  # nothing was read


async def test_a_consistent_read_asks_for_the_newest_first(api: Api, node: FakeNode) -> None:
    assert data(await api.get("/cluster/status", consistent=1))
    assert points_asked(node)[0] == ("", True)
    names = [type(one).__name__ for one in node.asked]
    assert names.index("StorePoint") < names.index("Status")


async def test_a_consistent_read_without_a_majority_is_refused(api: Api, node: FakeNode) -> None:
    node.refusals[StorePoint] = NoQuorum("1 of the 2 votes needed to write are present.")
    answer = await api.get("/cluster/status", consistent=1)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert (await api.get("/cluster/status")).status_code == 200  # plain reads go on


@pytest.mark.parametrize("value", ["yes", "2", ""])
async def test_consistent_is_0_or_1(api: Api, value: str) -> None:
    assert (await api.get("/cluster/status", consistent=value)).status_code == 400


async def test_strangers_are_told_nothing(stranger: Api, node: FakeNode) -> None:
    answer = await stranger.get("/cluster/status", consistent=1)
    assert answer.status_code == 401 and HEADER not in answer.headers
    assert points_asked(node) == []
