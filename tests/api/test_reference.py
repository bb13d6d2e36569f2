"""Every path that clients of Proxmox VE's API know is there: answered, or refused with a reason, and never unknown."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from datacenter.api.openapi import document
from datacenter.api.table import ENDPOINTS
from tests.api.conftest import Api, body
from tests.api.fake_node import FakeNode
from tests.api.reference import ANSWERED, REFUSED
from tests.api.test_matrix import address


@pytest.fixture(scope="module")
def described() -> dict[tuple[str, str], Any]:
    paths = json.loads(document(ENDPOINTS, "1"))["paths"]
    return {(method.upper(), path): each for path in paths for method, each in paths[path].items()}


@pytest.mark.parametrize(("method", "path", "given"), ANSWERED, ids=lambda value: str(value))
def test_a_path_clients_know_is_described_with_what_it_can_be_given(
    method: str, path: str, given: tuple[str, ...], described: dict[tuple[str, str], Any]
) -> None:
    assert (method, path) in described
    endpoint = next(each for each in ENDPOINTS if (each.method, each.path) == (method, path))
    known = {field.encode_name for field in msgspec.structs.fields(endpoint.parameters)}
    assert set(given) <= known


@pytest.mark.parametrize(("method", "path"), REFUSED)
async def test_what_this_product_has_not_is_refused_with_a_reason(method: str, path: str, api: Api) -> None:
    answer = await api.call(method, address(path))
    assert answer.status_code == 501
    assert "not implemented: Quire" in body(answer)["message"]


async def test_a_path_nobody_knows_is_not_there(api: Api, node: FakeNode) -> None:
    assert (await api.get("/cluster/nothing-of-the-kind")).status_code in (404, 501)
