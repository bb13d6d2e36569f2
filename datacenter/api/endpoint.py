"""How an endpoint is described: method, path, parameters, who may, what it returns, and the function that answers.

The description is the only one there is: requests are checked by it (`parameters.py`, `permission.py`), `openapi.py`
publishes it, and the tests hold every answer against it. It knows no endpoint.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from datacenter.api.call import Call
from datacenter.api.permission import Permission


class Parameters(msgspec.Struct, kw_only=True):
    """Base of all parameter lists. Names on the wire use dashes; a parameter in the path is one like the others."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"  # values may be secrets


class NoParameters(Parameters):
    """Of an endpoint that takes none."""


class Row(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of what answers are made of. A field that may be absent is `T | UnsetType = UNSET`."""


class OpenRow(msgspec.Struct, kw_only=True):
    """A row that may have more fields than are listed."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A part of a list, with the length of the whole."""

    rows: list[Any]
    total: int


Handler = Callable[[Call, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing the API can be asked. `{name}` in the path is the parameter `name`.

    `returns` is the type of the answer's data. `on_node` says that only the node named in the path can answer: a
    request for another one is forwarded to it. `secret` says that the answer holds a secret, which must be neither
    compressed nor kept.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    summary: str
    handler: Handler
    permission: Permission
    parameters: type[Parameters] = NoParameters
    returns: Any = None
    on_node: bool = False
    secret: bool = False

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The path's parameters when `segments` are of this endpoint's path, else None."""
        pattern = [part for part in self.path.split("/") if part]
        if len(pattern) != len(segments):
            return None
        found: dict[str, str] = {}
        for part, segment in zip(pattern, segments, strict=True):
            if part.startswith("{"):
                found[part[1:-1]] = segment
            elif part != segment:
                return None
        return found
