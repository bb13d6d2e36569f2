"""The table of endpoints as a whole: what holds for every one of them."""

from __future__ import annotations

import re

import msgspec
import pytest

from datacenter.api.endpoint import Endpoint
from datacenter.api.permission import PUBLIC, ROOT
from datacenter.api.table import ENDPOINTS
from tests.api.conftest import Api
from tests.api.fake_node import UPID, FakeNode
from tests.cast import ALICE

OPEN = {
    ("POST", "/access/openid/auth-url"),
    ("POST", "/access/openid/login"),
    ("GET", "/access/ticket"),
    ("POST", "/access/ticket"),
    ("GET", "/access/domains"),
    ("POST", "/cluster/config/nodes/{node}/undo"),
    ("POST", "/cluster/config/tokens/open"),
    ("POST", "/cluster/config/tokens/preflight"),
    ("POST", "/cluster/config/tokens/nodes/{node}"),
}
ROOT_ONLY = {
    ("POST", "/cluster/config/nodes/{node}/removal"),
    ("POST", "/cluster/config/removed/{node}/undo"),
    ("POST", "/cluster/config/tokens"),
    ("POST", "/cluster/config/check"),
    ("POST", "/cluster/config/preflight"),
    ("DELETE", "/cluster/config/leftovers"),
    ("DELETE", "/cluster/config/tokens"),
    ("POST", "/cluster/config"),
    ("POST", "/cluster/config/join"),
    ("POST", "/cluster/config/join/token"),
    ("POST", "/cluster/config/leave"),
    ("POST", "/cluster/config/nodes/{node}/removal"),
    ("POST", "/cluster/config/removed/{node}/undo"),
    ("POST", "/cluster/config/nodes/{node}/rename"),
    ("GET", "/cluster/config/nodes/{node}/rename"),
    ("POST", "/cluster/config/rename"),
    ("GET", "/cluster/config/rename"),
    ("GET", "/cluster/config/leave"),
    ("GET", "/cluster/config/join/taken"),
    ("GET", "/cluster/config/join/import"),
    ("PUT", "/cluster/config/links"),
    ("PUT", "/cluster/config/expected"),
    ("POST", "/cluster/config/qdevice"),
    ("DELETE", "/cluster/config/qdevice"),
    ("GET", "/cluster/config/undo-join"),
    ("POST", "/cluster/config/undo-join"),
    ("POST", "/cluster/config/links/trial"),
    ("DELETE", "/cluster/config/links/trial"),
    ("POST", "/cluster/config/nodes/{node}"),
    ("DELETE", "/cluster/config/nodes/{node}"),
    ("PUT", "/quire/store/file"),
    ("POST", "/quire/store/restore"),
    ("GET", "/quire/store/conflicts"),
    ("GET", "/quire/store/conflicts/{conflict}"),
    ("POST", "/quire/store/conflicts/{conflict}"),
}


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def address(endpoint: Endpoint) -> str:
    return endpoint.path.replace("{node}", "alpha").replace("{upid}", UPID)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
def test_an_endpoint_s_path_and_parameters_belong_together(endpoint: Endpoint) -> None:
    known = {field.encode_name for field in msgspec.structs.fields(endpoint.parameters)}
    assert set(re.findall(r"{(\w+)}", endpoint.path)) <= known
    assert endpoint.summary.endswith(".")


def test_every_endpoint_is_there_once() -> None:
    assert len({named(endpoint) for endpoint in ENDPOINTS}) == len(ENDPOINTS)


def test_who_may_is_what_was_decided() -> None:
    permissions = {(endpoint.method, endpoint.path): endpoint.permission for endpoint in ENDPOINTS}
    assert {each for each, permission in permissions.items() if permission == PUBLIC} == OPEN
    assert {each for each, permission in permissions.items() if permission == ROOT} == ROOT_ONLY


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
async def test_what_is_not_public_is_closed_to_strangers(endpoint: Endpoint, stranger: Api, node: FakeNode) -> None:
    response = await stranger.call(endpoint.method, address(endpoint))
    assert (response.status_code == 401) == (endpoint.permission != PUBLIC)


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.permission == ROOT], ids=named)
async def test_what_is_root_s_is_closed_to_others_before_parameters_are_looked_at(
    endpoint: Endpoint, node: FakeNode
) -> None:
    response = await Api().sign_in(ALICE).call(endpoint.method, address(endpoint), nonsense="1")
    assert response.status_code == 403


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=named)
async def test_t29_every_endpoint_refuses_what_it_does_not_know(endpoint: Endpoint, api: Api) -> None:
    response = await api.call(endpoint.method, address(endpoint), nonsense="1")
    assert response.status_code == 400
    assert b'"nonsense"' in response.content
