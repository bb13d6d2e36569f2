"""Role × path × method: who gets past the door of every endpoint, held against what the description says of it.

The oracle reads the published description, not the code that decides. A caller who may not is refused before parameters
are looked at (403); one who may is told that `nonsense` is no parameter (400).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.access.privileges import BUILT_IN
from datacenter.access import rights
from datacenter.api import matrix
from datacenter.api.openapi import document
from datacenter.api.table import ENDPOINTS
from tests.api.conftest import Api
from tests.api.fake_node import UPID, FakeNode
from tests.cast import ALICE

# A role of one's own, and none at all, beside every built-in one.
ROLES = {**BUILT_IN, "Keeper": frozenset({"Sys.Modify", "Realm.Allocate", "Permissions.Modify"}), "none": frozenset()}
METHODS = ("get", "post", "put", "delete")
IN_PATH = {"node": "alpha", "upid": UPID, "userid": "bob@pve", "realm": "pve", "storage": "local", "iface": "eth0"}


@pytest.fixture(scope="module")
def operations() -> list[tuple[str, str, Any]]:
    paths = json.loads(document(ENDPOINTS, "1"))["paths"]
    return [(method, path, paths[path][method]["x-permission"]) for path in paths for method in paths[path]]


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    rights.forget_all()
    yield
    rights.forget_all()


def address(path: str) -> str:
    steps = (IN_PATH.get(step.strip("{}"), "thing") if step.startswith("{") else step for step in path.split("/"))
    return "/".join(steps)


def may(permission: Any, privileges: frozenset[str]) -> bool:
    if "check" not in permission:
        return bool(permission["user"] != "root@pam")
    word, *rest = permission["check"]
    if word == "perm":
        wanted = set(rest[1])
        return bool(wanted & privileges) if "any" in rest else wanted <= privileges
    parts = [may(each, privileges) for each in rest]
    return all(parts) if word == "and" else any(parts)


@pytest.mark.parametrize("role", ROLES)
async def test_t28_a_role_opens_what_the_description_says_and_nothing_else(
    role: str, node: FakeNode, operations: list[tuple[str, str, Any]]
) -> None:
    node.held = dict.fromkeys(ROLES[role], 1)
    alice, wrong = Api().sign_in(ALICE), []
    for method, path, permission in operations:
        if permission == {"user": "world"}:
            continue
        response = await alice.call(method.upper(), address(path), nonsense="1")
        if response.status_code != (400 if may(permission, ROLES[role]) else 403):
            wrong.append(f"{method} {path}: {response.status_code}, {permission}")
    assert wrong == []


async def test_t28_a_stranger_opens_what_is_for_everybody_and_hears_nothing_of_the_rest(
    node: FakeNode, operations: list[tuple[str, str, Any]]
) -> None:
    for method, path, permission in operations:
        response = await Api().call(method.upper(), address(path), nonsense="1")
        if permission == {"user": "world"}:
            assert response.status_code == 400, path
        else:
            assert (response.status_code, response.content) == (401, b""), f"{method} {path}"


async def test_t28_root_is_never_refused(node: FakeNode, operations: list[tuple[str, str, Any]]) -> None:
    root = Api().sign_in()
    for method, path, _ in operations:
        assert (await root.call(method.upper(), address(path), nonsense="1")).status_code == 400, f"{method} {path}"


def test_the_page_of_the_documents_says_what_the_published_description_does(
    operations: list[tuple[str, str, Any]],
) -> None:
    written = matrix.document()
    lines = [line for line in written.splitlines() if line.startswith("| `") or line.endswith("what it takes |")]
    names, *rows = ([cell.strip() for cell in line.strip("|").split(" | ")] for line in lines)
    cells = {row[0].strip("`"): dict(zip(names[2:-1], row[2:-1], strict=False)) for row in rows}
    for method, path, permission in operations:
        row = cells[f"{method.upper()} {path}"]
        assert len(row) > 5
        for role in row:
            assert bool(row[role]) == may(permission, BUILT_IN[role]), f"{role}: {method} {path}"


async def test_t28_no_other_method_opens_anything(node: FakeNode, operations: list[tuple[str, str, Any]]) -> None:
    alice = Api().sign_in(ALICE)
    known = {path: {method for method, one, _ in operations if one == path} for _, path, _ in operations}
    for path, methods in known.items():
        for method in ("HEAD", "OPTIONS", "PATCH", *(each.upper() for each in METHODS if each not in methods)):
            response = await alice.call(method, address(path))
            assert response.status_code == 501, f"{method} {path}"


async def test_t28_a_method_cannot_be_overridden(node: FakeNode) -> None:
    alice = Api().sign_in(ALICE)
    alice.headers |= {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "DELETE"}
    response = await alice.call("GET", "/version", alice.headers)
    assert response.status_code == 200
