"""The API on a page: the tree of its paths; for each what it takes, who may, what it answers; a GET can be tried.

Made from the same description as everything else (`openapi.py`). Trying leads to the API itself, with the caller's own
session, in a page of its own.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_GET

from cluster.errors import NotFound
from datacenter.api import inside
from datacenter.api.matrix import roles
from datacenter.api.openapi import FORM, document
from datacenter.api.table import ENDPOINTS
from datacenter.pages import load_picture, show
from datacenter.session.door import page

METHODS = ("get", "post", "put", "delete")
START = "/"


@require_GET
@page
async def api_page(request: Any) -> HttpResponse:
    chosen = request.GET.get("path", START)
    operations = _described()["paths"].get(chosen)
    if operations is None:
        raise NotFound("There is no such path in the API.")
    shown = [_operation(method, chosen, operations[method]) for method in METHODS if method in operations]
    context = {"chosen": chosen, "branch": _branch(chosen), "operations": shown}
    return await show(request, "api/browser.html", await load_picture(), holds_no_secret=True, **context)


@require_GET
@page
async def try_out(request: Any) -> HttpResponse:
    """To the API's own address, for a GET that it has and nothing else."""
    chosen = request.GET.get("path", "")
    if "get" not in _described()["paths"].get(chosen, {}):
        raise NotFound("There is no such path in the API.")
    given = {name: value for name, value in request.GET.items() if name != "path" and value}
    steps = [quote(given.pop(step[1:-1], "-"), safe="") if step.startswith("{") else step for step in chosen.split("/")]
    query = f"?{urlencode(given)}" if given else ""
    return HttpResponseRedirect(f"/api2/json{'/'.join(steps)}{query}")


@cache
def _described() -> Any:
    return json.loads(document(ENDPOINTS, ""))


def _branch(chosen: str) -> list[dict[str, Any]]:
    """The paths on the way to the chosen one, their neighbours, and what is below it."""
    paths = _described()["paths"]
    open_ = {START, *("/".join(chosen.split("/")[:length]) for length in range(2, len(chosen.split("/")) + 1))}
    rows = []
    for path in sorted(paths, key=lambda path: path.split("/")):
        parent = path.rpartition("/")[0] or START
        if path == START or parent in open_:
            depth = 0 if path == START else path.count("/")
            name = path.rpartition("/")[2] or START
            rows.append(
                {"path": path, "name": name, "depth": depth, "methods": [m for m in METHODS if m in paths[path]]}
            )
    return rows


def _operation(method: str, path: str, operation: Any) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {})
    parameters = [
        _parameter(each["name"], each["schema"], each["required"], each["in"]) for each in operation["parameters"]
    ]
    for name, schema in body.get("properties", {}).items():
        parameters.append(_parameter(name, schema, name in body.get("required", []), "body"))
    answer = next(iter(operation["responses"]["200"]["content"].values()))["schema"]["properties"]["data"]
    return {
        "method": method.upper(),
        "summary": operation["summary"],
        "parameters": parameters,
        "permission": _permission(operation["x-permission"]),
        "roles": roles(inside.endpoint(method.upper(), path).permission),
        "returns": json.dumps(_resolved(answer), indent=2, ensure_ascii=False),
    }


def _parameter(name: str, schema: Any, required: bool, place: str) -> dict[str, Any]:
    kind = " | ".join(map(str, schema["enum"])) if "enum" in schema else schema.get("type", "any")
    return {
        "name": name, "kind": kind, "required": required, "place": place, "choices": schema.get("enum"),
        "description": schema.get("description", ""), "default": schema.get("default"),
    }  # fmt: skip


def _permission(described: Any) -> str:
    if "check" not in described:
        words = {"world": "everybody", "all": "whoever is signed in"}
        who = words.get(described["user"], f"{described['user']} only")
        return f"{who}: {described['description']}" if "description" in described else who
    word, *rest = described["check"]
    if word in ("and", "or"):
        return f" {word} ".join(_permission(each) for each in rest)
    return f"{(' or ' if 'any' in rest else ' and ').join(rest[1])} on {rest[0]}"


def _resolved(schema: Any, depth: int = 0) -> Any:
    """A schema with what it refers to put in, as deep as a reader follows."""
    if isinstance(schema, list):
        return [_resolved(each, depth) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = re.fullmatch(r"#/components/schemas/(.+)", schema.get("$ref", ""))
    if found and depth < 4:
        return _resolved(_described()["components"]["schemas"][found[1]], depth + 1)
    return {key: _resolved(value, depth) for key, value in schema.items()}
