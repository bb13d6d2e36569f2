"""Datacenter → API: the description as a page, and trying a GET."""

from __future__ import annotations

import pytest

from tests.datacenter.conftest import Visitor, text

PLACE = "/datacenter/api"


async def test_the_page_shows_a_path_s_parameters_permission_and_answer(visitor: Visitor) -> None:
    page = text(await visitor.get(f"{PLACE}?path=/nodes/%7Bnode%7D/tasks"))
    assert "Sys.Audit" in text(await visitor.get(f"{PLACE}?path=/nodes/%7Bnode%7D/status"))
    for shown in ("typefilter", "archive | active | all", "whoever is signed in", "starttime", "A node&#x27;s tasks."):
        assert shown in page or shown.replace("archive | active | all", "active | all | archive") in page
    assert 'value="alpha"' in page and "Try it" in page


async def test_only_what_can_be_read_can_be_tried(visitor: Visitor) -> None:
    page = text(await visitor.get(f"{PLACE}?path=/cluster/config/join"))
    assert page.count("Try it") == 1 and "root@pam only" in page


async def test_trying_leads_to_the_api_itself(visitor: Visitor) -> None:
    response = await visitor.get(f"{PLACE}/try?path=/nodes/%7Bnode%7D/tasks&node=alpha&limit=3&typefilter=")
    assert (response.status_code, response.headers["Location"]) == (302, "/api2/json/nodes/alpha/tasks?limit=3")
    for node, step in (("../../evil", "..%2F..%2Fevil"), ("//evil", "%2F%2Fevil")):
        response = await visitor.get(f"{PLACE}/try?path=/nodes/%7Bnode%7D/status&node={node}")
        assert response.headers["Location"] == f"/api2/json/nodes/{step}/status"


@pytest.mark.parametrize("path", ["//evil.example", "/nothing", "", "/access/password", "https://evil.example/"])
async def test_nothing_else_can_be_reached_by_trying(path: str, visitor: Visitor) -> None:
    response = await visitor.get(f"{PLACE}/try?path={path}")
    assert response.status_code == 404 and "Location" not in response.headers


async def test_the_page_is_for_whoever_is_signed_in(stranger: Visitor) -> None:
    for path in (PLACE, f"{PLACE}/try?path=/version"):
        assert "Sign in" in text(await stranger.get(path))


async def test_t41_an_unknown_path_is_not_repeated_as_markup(visitor: Visitor) -> None:
    response = await visitor.get(f"{PLACE}?path=<script>alert(1)</script>")
    assert response.status_code == 404 and "<script>alert" not in text(response)
