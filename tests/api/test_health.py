"""/quire/health: what pages say of the cluster, for programs."""

from __future__ import annotations

from tests.api.conftest import Api, data
from tests.api.fake_node import FakeNode


async def test_health_has_its_reasons_and_advice_comes_beside_it(api: Api, node: FakeNode) -> None:
    told = data(await api.get("/quire/health"))
    assert (told["level"], told["word"]) == ("warning", "beta is offline")
    assert [(one["kind"], one["since_s"]) for one in told["reasons"]] == [("node", 1.0)]
    assert [one["code"] for one in told["advice"]] == ["two-nodes", "one-link"]
