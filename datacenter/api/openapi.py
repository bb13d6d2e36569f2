"""The description of the API for programs, OpenAPI 3.1, made from the table of endpoints and nothing else.

msgspec describes the types; here that is put into OpenAPI's frame. Where the wire differs from the type it is said
as it is on the wire: truths are 0 and 1.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import msgspec

from datacenter.api.endpoint import Endpoint, Row
from datacenter.api.permission import PUBLIC

REFERENCE = "#/components/schemas/{name}"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
ANSWER_TYPE = "application/json;charset=UTF-8"
TRUTH = {"type": "integer", "enum": [0, 1]}
# Refusals every endpoint may give; what they hold is `Refusal`.
REFUSALS = {
    "400": "A parameter is wrong; `errors` says which and why.",
    "403": "Who is signed in may not.",
    "404": "There is no such thing.",
    "409": "It is not any more what the asker has seen: the digest is another.",
    "424": "The node is not in a cluster.",
    "500": "It could not be done; the message says why.",
    "501": "This is not implemented.",
    "503": "Something this needs does not answer, or there is too much to do.",
    "504": "It is not known whether it was done.",
    "595": "The other node cannot be reached.",
    "596": "The other node is not who it should be.",
}

# Said by the web server before the API is asked, with no body.
AT_THE_DOOR = {
    "401": "Nobody is signed in, or the anti-forgery token is missing. A failed sign-in says so in a body.",
    "408": "The request came too slowly.",
    "413": "The body is too large.",
    "431": "The address or the headers are too long.",
}


class Refusal(Row):
    """What an error answers."""

    data: None
    message: str
    errors: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


@cache
def document(endpoints: tuple[Endpoint, ...], version: str) -> bytes:
    paths: dict[str, dict[str, Any]] = {}
    types = [each.returns for each in endpoints] + [each.parameters for each in endpoints] + [Refusal]
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    refused = {status: {"$ref": f"#/components/responses/{status}"} for status in (*REFUSALS, *AT_THE_DOOR)}
    for endpoint, answer, asked in zip(endpoints, schemas, schemas[len(endpoints) :], strict=False):
        parameters = components[asked["$ref"].rpartition("/")[2]]
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = {
            **_operation(endpoint, _on_the_wire(parameters)),
            "responses": {"200": _answer(answer), **refused},
        }
    used = {asked["$ref"].rpartition("/")[2] for asked in schemas[len(endpoints) : -1]}
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Quire", "version": version, "description": "The API of every node of the cluster."},
            "servers": [{"url": "/api2/json"}],
            "paths": paths,
            "components": {
                "schemas": {name: schema for name, schema in components.items() if name not in used},
                "responses": _refusals(),
                "securitySchemes": {
                    "ticket": {"type": "apiKey", "in": "cookie", "name": "PVEAuthCookie"},
                    "token": {"type": "apiKey", "in": "header", "name": "Authorization"},
                },
            },
        }
    )


def _operation(endpoint: Endpoint, parameters: dict[str, Any]) -> dict[str, Any]:
    in_path = re.findall(r"{(\w+)}", endpoint.path)
    properties, required = parameters.get("properties", {}), set(parameters.get("required", []))
    others = {name: schema for name, schema in properties.items() if name not in in_path}
    operation: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}{endpoint.path.replace('/', '_')}",
        "summary": endpoint.summary,
        "tags": [endpoint.path.split("/")[1] or "version"],
        "parameters": [_parameter(name, properties[name], "path", True) for name in in_path],
        "security": [] if endpoint.permission == PUBLIC else [{"ticket": []}, {"token": []}],
        "x-permission": endpoint.permission.described(),
    }
    if endpoint.method in ("GET", "DELETE"):
        operation["parameters"] += [
            _parameter(name, schema, "query", name in required) for name, schema in others.items()
        ]
    elif others:
        body = {
            "type": "object",
            "properties": others,
            "required": sorted(required & others.keys()),
            "additionalProperties": False,
        }
        operation["requestBody"] = {
            "required": bool(required & others.keys()),
            "content": {FORM: {"schema": body}, JSON: {"schema": body}},
        }
    return operation


def _parameter(name: str, schema: dict[str, Any], place: str, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _answer(schema: dict[str, Any]) -> dict[str, Any]:
    envelope = {
        "type": "object",
        "properties": {"data": schema, "total": {"type": "integer"}},
        "required": ["data"],
        "additionalProperties": False,
    }
    return {"description": "It was done.", "content": {ANSWER_TYPE: {"schema": envelope}}}


def _refusals() -> dict[str, Any]:
    content = {ANSWER_TYPE: {"schema": {"$ref": REFERENCE.format(name="Refusal")}}}
    at_the_door = {status: {"description": text} for status, text in AT_THE_DOOR.items()}
    return {status: {"description": text, "content": content} for status, text in REFUSALS.items()} | at_the_door


def _on_the_wire(schema: Any) -> Any:
    """A schema of parameters as they are sent: no null, for what is not given is left out; truths as numbers; patterns
    in the spelling all languages share."""
    if isinstance(schema, list):
        return [_on_the_wire(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    some = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(some) == 1:
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        return _on_the_wire({**some[0], **rest})
    if schema.get("type") == "boolean":
        return {**schema, **TRUTH, **({"default": int(schema["default"])} if "default" in schema else {})}
    found = {key: _on_the_wire(value) for key, value in schema.items()}
    if isinstance(found.get("pattern"), str):
        found["pattern"] = found["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
    return found
