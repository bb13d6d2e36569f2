"""Requests about realms; `access_requests.py`, whose manner holds here too, names them as well."""

from __future__ import annotations

from cluster.control.request import Request
from cluster.secret import Secret


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
    password: Secret | None = None


class RealmChange(Request, tag="access.domain-change"):
    """→ null. Raises Conflict when the file's digest is another than `digest`."""

    user: str
    realm: str
    settings: dict[str, str] = {}
    delete: list[str] = []
    digest: str | None = None
    password: Secret | None = None


class RealmRemove(Request, tag="access.domain-remove"):
    """→ null. Its users stay, and can sign in no more."""

    user: str
    realm: str


class OpenIdAddress(Request, tag="access.openid-address"):
    """→ the provider's address to send the browser to, with the `state` that has to come back. Raises NotFound,
    InvalidInput, Unavailable."""

    realm: str
    redirect_url: str


class OpenIdLogin(Request, tag="access.openid-login"):
    """`state` and `code` as the provider's answer brought them to `redirect_url` → as Login. A realm that makes users
    makes who comes for the first time. Raises Unauthenticated, Unavailable."""

    state: str
    code: str
    redirect_url: str
    address: str = ""
