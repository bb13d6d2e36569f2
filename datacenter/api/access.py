"""/access/ticket: signing in. Users are `users.py`, realms `realms.py`, rights `rights.py`."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cluster.control.requests import Login
from cluster.errors import Unauthenticated
from datacenter import gateway
from datacenter.access.delay import after_failed_sign_in
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.permission import PUBLIC
from datacenter.api.types import Flag, Realm, TicketOrPassword, UserName

# The daemon makes guessers wait their turn; whoever waits longer is told to come again.
LOGIN_TIMEOUT_S = 45.0


class TicketParameters(Parameters, kw_only=True):
    username: UserName
    password: TicketOrPassword
    realm: Realm | None = None
    otp: TicketOrPassword | None = None
    tfa_challenge: TicketOrPassword | None = msgspec.field(default=None, name="tfa-challenge")
    new_format: bool | None = msgspec.field(default=None, name="new-format")


class TicketRow(Row):
    username: str
    ticket: str
    csrf_token: str = msgspec.field(name="CSRFPreventionToken")
    cap: dict[str, dict[str, Flag]] | UnsetType = UNSET
    need_tfa: Literal[1] | UnsetType = msgspec.field(default=UNSET, name="NeedTFA")
    clustername: str | UnsetType = UNSET


async def ticket(call: Call, asked: TicketParameters) -> dict[str, Any]:
    username = f"{asked.username}@{asked.realm}" if asked.realm else asked.username
    started_s = asyncio.get_running_loop().time()
    try:
        issued = await gateway.call(
            Login(username, asked.password, call.address, asked.tfa_challenge or ""), timeout_s=LOGIN_TIMEOUT_S
        )
    except Unauthenticated:
        await after_failed_sign_in(started_s)
        raise Unauthenticated("authentication failure") from None
    return dict(issued)


async def nothing(_call: Call, _asked: NoParameters) -> None:
    """So that a client may look whether there is a sign-in."""


ENDPOINTS = (
    Endpoint("GET", "/access/ticket", "Nothing; there for clients that look.", nothing, PUBLIC),
    Endpoint(
        "POST",
        "/access/ticket",
        "Sign in with a password, or renew a ticket by giving it as the password.",
        ticket,
        PUBLIC,
        TicketParameters,
        TicketRow,
        secret=True,
    ),
)
