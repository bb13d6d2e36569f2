"""The API's description for programs: complete, sound, and for whoever is signed in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from datacenter.api.openapi import document
from datacenter.api.table import ENDPOINTS
from tests.api.conftest import Api


@pytest.fixture(scope="module")
def described() -> Any:
    return json.loads(document(ENDPOINTS, "1"))


def test_every_endpoint_is_described_and_nothing_else(described: Any) -> None:
    operations = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert operations == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}


def test_every_reference_leads_somewhere(described: Any) -> None:
    names = {part.partition('"')[0] for part in json.dumps(described).split("#/components/schemas/")[1:]}
    assert names <= described["components"]["schemas"].keys()


def test_parameters_are_described_as_they_are_sent(described: Any) -> None:
    tasks = described["paths"]["/nodes/{node}/tasks"]["get"]
    known = {each["name"]: each for each in tasks["parameters"]}
    assert known["node"]["in"] == "path" and known["node"]["required"]
    assert known["errors"]["schema"]["enum"] == [0, 1]
    assert known["source"]["schema"]["enum"] == ["active", "all", "archive"]
    create = described["paths"]["/cluster/config"]["post"]["requestBody"]["content"]
    body = create["application/x-www-form-urlencoded"]["schema"]
    assert body["required"] == ["clustername"] and body["properties"]["clustername"]["pattern"].startswith("^")


def test_who_may_is_said_as_clients_know_it(described: Any) -> None:
    status = described["paths"]["/nodes/{node}/status"]["get"]
    assert status["x-permission"] == {"check": ["perm", "/nodes/{node}", ["Sys.Audit"]]}
    assert described["paths"]["/access/ticket"]["post"]["security"] == []
    assert described["paths"]["/version"]["get"]["x-permission"] == {"user": "all"}


async def test_the_description_is_for_whoever_is_signed_in(api: Api, stranger: Api) -> None:
    address = "/api2/openapi.json"
    response = await api.client.get(address)
    assert response.status_code == 200 and json.loads(response.content)["openapi"] == "3.1.0"
    assert (await stranger.client.get(address)).status_code == 401
    assert (await api.client.options(address)).status_code == 405
