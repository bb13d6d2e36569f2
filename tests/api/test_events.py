"""The flight recorder through the API."""

from __future__ import annotations

from cluster.control.flight_requests import FlightEvents
from tests.api.conftest import Api, data
from tests.api.fake_node import FakeNode
from tests.cast import ALICE


async def test_events_come_with_each_node_s_view_and_the_times_apart(api: Api, node: FakeNode) -> None:
    found = data(await api.get("/cluster/events", kind="membership", node="alpha", since=3, until=9, limit=7))
    assert found["events"][0]["sees"] == ["alpha"]
    assert found["nodes"][1] == {"name": "beta", "online": 0, "known": 0, "since": 5.0, "reason": "It does not answer."}
    assert found["partings"] == [{"start": 1.0, "parts": [{"nodes": ["alpha"], "quorate": None}]}]
    asked = node.last(FlightEvents)
    assert (asked.kinds, asked.nodes, asked.since_s, asked.until_s, asked.limit) == (["membership"], ["alpha"], 3, 9, 7)


async def test_an_unknown_kind_is_refused_and_so_is_who_may_not_audit(api: Api) -> None:
    assert (await api.get("/cluster/events", kind="nonsense")).status_code == 400
    assert (await Api().sign_in(ALICE).get("/cluster/events")).status_code == 403
