"""Who calls an endpoint, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """`user` is empty where nobody is signed in; `address` is the client's, `origin` the site it
    asked: https://host:port. `in_browser` tells a browser's session from a program."""

    user: str
    address: str
    origin: str = ""
    in_browser: bool = False

    @classmethod
    def of(cls, request: Any) -> Call:
        signed_in = request.quire_user
        user, in_browser = (signed_in.username, signed_in.in_browser) if signed_in else ("", False)
        return cls(user, request.META.get("REMOTE_ADDR") or "", f"{request.scheme}://{request.get_host()}", in_browser)
