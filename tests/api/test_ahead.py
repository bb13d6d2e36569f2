"""/quire/what-if: a supposition travels as it was typed, and the answer has the described shape."""

from __future__ import annotations

from tests.api.conftest import Api, data
from tests.api.fake_node import FakeNode


async def test_a_supposition_is_answered_with_its_sides(api: Api, node: FakeNode) -> None:
    told = data(await api.get("/quire/what-if", off="beta"))
    assert told["off"] == ["beta"]
    assert [(side["nodes"], side["quorate"], side["writable"]) for side in told["sides"]] == [(["alpha"], False, False)]
    assert told["step"].startswith("Bring back beta")


async def test_what_the_cluster_does_not_have_is_refused_by_its_field(api: Api, node: FakeNode) -> None:
    response = await api.get("/quire/what-if", split="alpha/omega", links="9")
    assert response.status_code == 400
    assert set(response.json()["errors"]) == {"split", "links"}
