"""A request's parameters: read from path, query and body, and made into the endpoint's `Parameters`, or refused.

Everything wrong is reported at once, keyed by the parameter's name. No value is repeated in a refusal.
"""

from __future__ import annotations

import re
import types
import typing
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from cluster.errors import InvalidInput
from datacenter.api.endpoint import Parameters

FIELDS_MAX = 100
HEADLINE = "Parameter verification failed."
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
# How a number and a truth are written in a form.
SPELLINGS = {int: re.compile(r"-?[0-9]{1,18}"), bool: re.compile(r"[01]")}

Given = dict[str, Any]


class WrongBody(Exception):
    """A body the API does not read at all; the status says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def given(request: HttpRequest, in_path: dict[str, str]) -> Given:
    """All parameters of a request by name. The same name twice with different values is refused, wherever it stands.

    Raises `InvalidInput`, `WrongBody`."""
    in_query = _pairs(request.META.get("QUERY_STRING", ""))
    in_query.pop("_dc", None)  # what browsers add to get past caches
    if request.method == "GET" and in_query.get("consistent") in ("0", "1"):
        del in_query["consistent"]  # of every read; seen to by datacenter/seen.py
    merged: Given = dict(in_path)
    for source in (in_query, _body(request)):
        for name, value in source.items():
            if name in merged and _as_text(merged[name]) != _as_text(value):
                raise InvalidInput(HEADLINE, fields={name: "is given twice, with different values"})
            merged.setdefault(name, value)
    return merged


def read(kind: type[Parameters], values: Given) -> Any:
    """`values` as the endpoint's parameters. Raises `InvalidInput` with every field that is wrong."""
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    types_by_name = typing.get_type_hints(kind, include_extras=True)
    errors = {name: "is not a parameter of this call" for name in values if name not in known}
    converted: Given = {}
    for name, field in known.items():
        value = values.get(name)
        if value is None:
            if field.required:
                errors[name] = "is required"
            continue
        wanted = _without_none(types_by_name[field.name])
        try:
            converted[field.name] = _convert(value, wanted)
        except ValueError:
            errors[name] = f"must be {_words(wanted)}"
    if errors:
        raise InvalidInput(HEADLINE, fields=errors)
    return kind(**converted)


def _body(request: HttpRequest) -> Given:
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if request.method in ("GET", "DELETE"):
        if declared != "0":
            raise WrongBody(501, f"a {request.method} request takes no body")
        return {}
    content_type = request.content_type or FORM
    if content_type not in (FORM, JSON):
        raise WrongBody(506, "the body must be a form or JSON")
    body = body_of(request)
    if content_type == JSON:
        return _json_object(body) if body else {}
    try:
        return _pairs(body.decode("ascii"))
    except UnicodeDecodeError:
        raise InvalidInput(HEADLINE, fields={"_root": "the form is not percent-encoded"}) from None


def body_of(request: HttpRequest) -> bytes:
    """Raises `WrongBody`."""
    try:
        return request.body
    except RequestDataTooBig:
        raise WrongBody(413, "the body is too large") from None


def _json_object(body: bytes) -> Given:
    try:
        decoded = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise InvalidInput(HEADLINE, fields={"_root": "the body is not a JSON object"}) from None
    return decoded


def _pairs(text: str) -> Given:
    """A form or a query; a repeated name becomes a list."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise InvalidInput(HEADLINE, fields={"_root": "the form cannot be read"}) from None
    found: Given = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _convert(value: Any, wanted: Any) -> Any:
    spelling = SPELLINGS.get(_bare(wanted))
    if isinstance(value, str) and spelling is not None and not spelling.fullmatch(value):
        raise ValueError  # msgspec would also take 1e3, "true" and "null"
    converted = msgspec.convert(value, wanted, strict=False)  # forms have only text: "1" is a number where one is due
    meta = _meta(wanted)
    check = meta.extra.get("check") if meta is not None and meta.extra else None
    if check is not None and not check(converted):
        raise ValueError
    return converted


def _words(wanted: Any) -> str:
    meta = _meta(wanted)
    if meta is not None and meta.description:
        return meta.description
    return {bool: "0 or 1", int: "a whole number", str: "a text"}.get(_bare(wanted), "of another kind")


def _meta(wanted: Any) -> msgspec.Meta | None:
    return next((each for each in getattr(wanted, "__metadata__", ()) if isinstance(each, msgspec.Meta)), None)


def _bare(wanted: Any) -> Any:
    return getattr(wanted, "__origin__", wanted)


def _without_none(wanted: Any) -> Any:
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        return next(each for each in typing.get_args(wanted) if each is not type(None))
    return wanted


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)
