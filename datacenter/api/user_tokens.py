"""/access/users/{userid}/token: API tokens. A value is in the answer that makes it, and nowhere else."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from cluster.control import access_requests as ask
from datacenter.api.asks import asks
from datacenter.api.endpoint import Endpoint, Row
from datacenter.api.permission import Within
from datacenter.api.types import Text, TicketOrPassword, Time, TokenName, Words
from datacenter.api.users import OWN_OR_OVER, OneUser, TokenInfo, TokenRow, confirmation

MAY_REMOVE = Within(OWN_OR_OVER.text + " No token with separated privileges.")
MAY_CHANGE = Within(MAY_REMOVE.text + " In a browser with the caller's own password once more.")


class OneToken(OneUser, kw_only=True):
    tokenid: TokenName


class NewToken(OneToken, kw_only=True):
    expire: Time = 0
    privsep: bool = True
    comment: Text = ""
    confirmation_password: TicketOrPassword | None = confirmation()


class ChangedToken(OneToken, kw_only=True):
    expire: Time | None = None
    privsep: bool | None = None
    comment: Text | None = None
    regenerate: bool = False
    delete: Words = ""
    confirmation_password: TicketOrPassword | None = confirmation()


class TokenMade(Row, kw_only=True):
    full_tokenid: str = msgspec.field(name="full-tokenid")
    info: TokenInfo
    value: str


class TokenChanged(TokenInfo, kw_only=True):
    full_tokenid: str | UnsetType = msgspec.field(default=UNSET, name="full-tokenid")
    value: str | UnsetType = UNSET


_ALL, _ONE = "/access/users/{userid}/token", "/access/users/{userid}/token/{tokenid}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", _ALL, "A user's tokens.", asks(ask.TokenList), OWN_OR_OVER, OneUser, list[TokenRow]),
    Endpoint("GET", _ONE, "One token.", asks(ask.TokenShow), OWN_OR_OVER, OneToken, TokenInfo),
    Endpoint(
        "POST", _ONE, "Make a token; its value is shown this once.", asks(ask.TokenAdd), MAY_CHANGE, NewToken,
        TokenMade, secret=True,
    ),
    Endpoint(
        "PUT", _ONE, "Change a token, or give it a new value.", asks(ask.TokenChange), MAY_CHANGE, ChangedToken,
        TokenChanged, secret=True,
    ),
    Endpoint("DELETE", _ONE, "Remove a token with its rights.", asks(ask.TokenRemove), MAY_REMOVE, OneToken),
)  # fmt: skip
