"""Who calls an endpoint, and from where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """`user` is empty where nobody is signed in; `address` is the client's, `origin` the site it
    asked: https://host:port."""

    user: str
    address: str
    origin: str = ""
