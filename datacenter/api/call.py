"""Who calls an endpoint, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """`user` is empty where nobody is signed in; `address` is the client's, `origin` the site it
    asked: https://host:port."""

    user: str
    address: str
    origin: str = ""

    @classmethod
    def of(cls, request: Any) -> Call:
        user = request.quire_user.username if request.quire_user else ""
        return cls(user, request.META.get("REMOTE_ADDR") or "", f"{request.scheme}://{request.get_host()}")
