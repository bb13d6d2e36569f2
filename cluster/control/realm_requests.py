"""Requests about realms; `access_requests.py`, whose manner holds here too, names them as well."""

from __future__ import annotations

from cluster.control.request import Request


class RealmList(Request, tag="access.domains"):
    """→ [{realm, type, comment?, default?, tfa?}]: for everybody, signed in or not."""


class RealmShow(Request, tag="access.domain"):
    """→ {type, every key …, digest}"""

    user: str
    realm: str


class RealmAdd(Request, tag="access.domain-add"):
    """→ null. `settings` are the keys of the realm's kind; `password` is the realm's own, for its bind."""

    user: str
    realm: str
    type: str
    settings: dict[str, str] = {}
    password: str | None = None


class RealmChange(Request, tag="access.domain-change"):
    """→ null. Raises Conflict when the file's digest is another than `digest`."""

    user: str
    realm: str
    settings: dict[str, str] = {}
    delete: list[str] = []
    digest: str | None = None
    password: str | None = None


class RealmRemove(Request, tag="access.domain-remove"):
    """→ null. Its users stay, and can sign in no more."""

    user: str
    realm: str
