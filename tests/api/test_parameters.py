"""How parameters may be sent: form, JSON and query, each name once, nothing too large and nothing of another kind."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.control.requests import CreateCluster
from tests.api.conftest import Api, body, data
from tests.api.fake_node import FakeNode

ADDRESS = "/api2/json/cluster/config"
FORM = "application/x-www-form-urlencoded"


async def send(api: Api, content: bytes | str, kind: str = FORM, query: str = "") -> Any:
    return await api.client.post(ADDRESS + query, content, content_type=kind, headers=api.headers)


@pytest.mark.parametrize(
    "content",
    [
        b"[1,2]",
        b"{",
        b"nonsense",
        b'{"clustername": NaN}',
        b"[" * 10_000 + b"]" * 10_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"clustername": "\xff"}',
        b'"demo"',
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(content: bytes, api: Api) -> None:
    response = await send(api, content, "application/json")
    assert response.status_code == 400
    assert list(body(response)["errors"]) == ["_root"]


@pytest.mark.parametrize("value", ["[]", "{}", "1", "true", "1e400", '["demo"]'])
async def test_a_value_of_the_wrong_type_names_its_field(value: str, api: Api, node: FakeNode) -> None:
    response = await send(api, f'{{"clustername": {value}}}', "application/json")
    assert response.status_code == 400
    assert list(body(response)["errors"]) in (["clustername"], ["_root"])
    assert node.count(CreateCluster) == 0


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/plain", "application/xml", "text/json"])
async def test_other_kinds_of_body_are_506(kind: str, api: Api) -> None:
    assert (await send(api, "clustername=demo", kind)).status_code == 506


async def test_a_charset_beside_the_kind_is_fine(api: Api) -> None:
    data(await send(api, "clustername=demo", FORM + "; charset=UTF-8"))


@pytest.mark.parametrize(
    ("content", "query"),
    [
        ("clustername=demo&clustername=demo2", ""),
        ("clustername=demo", "?clustername=other"),
        ("", "?clustername=demo&clustername=other"),
        ("clustername%5B%5D=demo", ""),
    ],
)
async def test_t30_a_parameter_given_twice_is_refused(content: str, query: str, api: Api, node: FakeNode) -> None:
    response = await send(api, content, query=query)
    assert response.status_code == 400
    assert body(response)["errors"]
    assert node.count(CreateCluster) == 0


async def test_a_parameter_of_the_path_may_not_be_contradicted(api: Api) -> None:
    path = "/nodes/alpha/version"
    assert (await api.get(path, node="alpha")).status_code == 200
    response = await api.get(path, node="beta")
    assert response.status_code == 400
    assert list(body(response)["errors"]) == ["node"]


async def test_what_browsers_add_against_caches_is_dropped(api: Api) -> None:
    assert (await api.get("/version", _dc="1700000000")).status_code == 200
    assert (await api.get("/version", _dd="1")).status_code == 400


async def test_a_get_with_a_body_is_501(api: Api) -> None:
    response = await api.client.generic("GET", "/api2/json/version", "a=1", content_type=FORM, headers=api.headers)
    assert response.status_code == 501


async def test_too_many_fields_and_broken_encodings_are_refused(api: Api) -> None:
    assert (await send(api, "&".join(f"a{n}=1" for n in range(200)))).status_code == 400
    assert (await send(api, "clustername=%ff")).status_code == 400
    assert (await send(api, "clustername=d\u00e9mo".encode())).status_code == 400


async def test_a_body_that_is_too_large_is_refused(api: Api, node: FakeNode) -> None:
    response = await send(api, "clustername=" + "a" * 1_600_000)
    assert response.status_code == 413
    assert node.count(CreateCluster) == 0


async def test_t38_nothing_sent_can_steer_the_answer(api: Api) -> None:
    for name in ("download", "__class__", "$ref", "jsonp", "debug", "format"):
        response = await api.get("/cluster/status", **{name: "/etc/passwd"})
        assert response.status_code == 400
        assert "root:" not in response.content.decode()
