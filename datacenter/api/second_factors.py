"""/access/tfa: second factors. A secret is in the answer that makes it, and nowhere else."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cluster.control import access_requests as ask
from datacenter.api.asks import asks
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Row
from datacenter.api.permission import SIGNED_IN, Within
from datacenter.api.types import FactorId, Flag, LongText, Text, TicketOrPassword
from datacenter.api.users import OWN_OR_OVER, OneUser

MAY_CHANGE = Within(OWN_OR_OVER.text + " No API token.")


class OneFactor(OneUser, kw_only=True):
    id: FactorId


class NewFactor(OneUser, kw_only=True):
    type: Literal["totp", "recovery", "webauthn"]
    description: Text = ""
    totp: Text | None = None
    value: LongText | None = None
    challenge: LongText | None = None
    password: TicketOrPassword | None = None


class ChangedFactor(OneFactor, kw_only=True):
    description: Text | None = None
    enable: bool | None = None
    password: TicketOrPassword | None = None


class RemovedFactor(OneFactor, kw_only=True):
    password: TicketOrPassword | None = None


class FactorRow(Row, kw_only=True):
    id: str
    type: str
    description: str
    created: int
    enable: bool


class FactorsRow(Row, kw_only=True):
    userid: str
    entries: list[FactorRow]
    totp_locked: Flag | UnsetType = msgspec.field(default=UNSET, name="totp-locked")
    tfa_locked_until: int | UnsetType = msgspec.field(default=UNSET, name="tfa-locked-until")


class FactorMade(Row, kw_only=True):
    id: str | UnsetType = UNSET
    recovery: list[str] | UnsetType = UNSET
    challenge: str | UnsetType = UNSET


async def one(call: Call, asked: OneFactor) -> Any:
    entries = await asks(ask.FactorsOf)(call, OneUser(userid=asked.userid))
    return next((entry for entry in entries if entry["id"] == asked.id), None)


_ALL, _ONE = "/access/tfa/{userid}", "/access/tfa/{userid}/{id}"

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET", "/access/tfa", "The second factors one may see.", asks(ask.FactorsList), SIGNED_IN, NoParameters,
        list[FactorsRow],
    ),
    Endpoint("GET", _ALL, "A user's second factors.", asks(ask.FactorsOf), OWN_OR_OVER, OneUser, list[FactorRow]),
    Endpoint(
        "POST", _ALL, "Add a second factor; the password is the caller's own.", asks(ask.FactorAdd), MAY_CHANGE,
        NewFactor, FactorMade, secret=True,
    ),
    Endpoint("GET", _ONE, "One second factor.", one, OWN_OR_OVER, OneFactor, FactorRow | None),
    Endpoint("PUT", _ONE, "Change a second factor.", asks(ask.FactorChange), MAY_CHANGE, ChangedFactor),
    Endpoint("DELETE", _ONE, "Remove a second factor.", asks(ask.FactorRemove), MAY_CHANGE, RemovedFactor),
    Endpoint(
        "PUT", "/access/users/{userid}/unlock-tfa", "Let a user's locked second factors be tried again.",
        asks(ask.FactorsUnlock), MAY_CHANGE, OneUser, Flag,
    ),
)  # fmt: skip
