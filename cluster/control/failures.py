"""Errors on the wire: a `QuireError` as plain data, and plain data back as the same class with the same facts.

The table of codes is read from `cluster/errors.py`, so a new class there travels without a change here. Plain data
from the other side is believed in nothing: what is missing or of the wrong type is replaced, never raised about.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import Any

from cluster.errors import CorosyncError, OutcomeUnknown, QuireError, StoreRefusal

# Facts beside the message that a class carries, by attribute.
FACTS = ("errno", "revision", "request_id", "call", "status")


def _family(root: type[QuireError]) -> Iterator[type[QuireError]]:
    yield root
    for child in root.__subclasses__():
        yield from _family(child)


CLASSES: dict[str, type[QuireError]] = {each.code: each for each in _family(QuireError)}


def to_wire(error: QuireError) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "fields": error.fields,
        "http_status": error.http_status,
    }
    plain.update((fact, getattr(error, fact)) for fact in FACTS if hasattr(error, fact))
    return plain


def from_wire(plain: object) -> QuireError:
    """The error the other side raised; an unknown code becomes a plain `QuireError` with its message."""
    given = plain if isinstance(plain, dict) else {}
    message = _text(given, "message") or "The daemon answered with an error without words."
    fields = given.get("fields")
    error = _of_class(CLASSES.get(_text(given, "code"), QuireError), message, given)
    error.fields = {str(name): str(reason) for name, reason in fields.items()} if isinstance(fields, dict) else {}
    return error


def _of_class(kind: type[QuireError], message: str, given: dict[Any, Any]) -> QuireError:
    if issubclass(kind, StoreRefusal):
        number = given.get("errno")
        return kind(number if isinstance(number, int) else errno.EIO, message, _revision(given.get("revision")))
    if issubclass(kind, OutcomeUnknown):
        return kind(message, _text(given, "request_id"))
    if issubclass(kind, CorosyncError):
        return kind(_text(given, "call"), _text(given, "status"))
    return kind(message)


def _revision(given: object) -> tuple[int, int] | None:
    match given:
        case [int(epoch), int(index)]:
            return epoch, index
    return None


def _text(given: dict[Any, Any], name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) else ""
