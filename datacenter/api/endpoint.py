"""How an endpoint is described: method, path, parameters, who may, and the function that answers.

A description is data, so that routing, checking and documentation read the same one. It knows no endpoint.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

# public: anybody · any: whoever is signed in · root: root@pam itself and nobody else · otherwise a privilege on /
Permission = Literal["public", "any", "Sys.Audit", "root"]


class Parameters(msgspec.Struct, kw_only=True):
    """Base of all parameter lists. Names on the wire use dashes; a parameter in the path is one like the others."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"  # values may be secrets


class NoParameters(Parameters):
    """Of an endpoint that takes none."""


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, and from where."""

    user: str
    address: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A part of a list, with the length of the whole."""

    rows: list[Any]
    total: int


Handler = Callable[[Call, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing the API can be asked. `{name}` in the path is the parameter `name`.

    `secret` says that the answer holds a secret, which must be neither compressed nor kept.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    summary: str
    handler: Handler
    permission: Permission
    parameters: type[Parameters] = NoParameters
    returns: str = "null"
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
