"""/access/ticket: signing in. Users are `users.py`, realms `realms.py`, rights `rights.py`."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cluster.control.requests import Login
from cluster.errors import InvalidInput, Unauthenticated
from cluster.secret import Secret
from datacenter import gateway
from datacenter.access import rights
from datacenter.access.delay import after_failed_sign_in
from datacenter.api.asks import listed
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.parameters import HEADLINE
from datacenter.api.permission import PUBLIC
from datacenter.api.types import Flag, NameList, ObjectPath, Realm, TicketOrPassword, UserName


class TicketParameters(Parameters, kw_only=True):
    username: UserName
    password: TicketOrPassword
    realm: Realm | None = None
    otp: TicketOrPassword | None = None
    tfa_challenge: TicketOrPassword | None = msgspec.field(default=None, name="tfa-challenge")
    path: ObjectPath | None = None
    privs: NameList | None = None
    new_format: bool | None = msgspec.field(default=None, name="new-format")


class TicketRow(Row, kw_only=True):
    """Where only rights were to be verified, no ticket."""

    username: str
    ticket: str | UnsetType = UNSET
    csrf_token: str | UnsetType = msgspec.field(default=UNSET, name="CSRFPreventionToken")
    cap: dict[str, dict[str, Flag]] | UnsetType = UNSET
    need_tfa: Literal[1] | UnsetType = msgspec.field(default=UNSET, name="NeedTFA")
    clustername: str | UnsetType = UNSET


async def ticket(call: Call, asked: TicketParameters) -> dict[str, Any]:
    username = f"{asked.username}@{asked.realm}" if asked.realm else asked.username
    started_s = asyncio.get_running_loop().time()
    verify = asked.path is not None or asked.privs is not None
    login = Login(username, Secret(asked.password), call.address, Secret(asked.tfa_challenge or ""), verify)
    try:
        issued = await gateway.call(login, timeout_s=gateway.PASSWORD_TIMEOUT_S)
        if verify:
            await _demand(username, asked)
    except Unauthenticated:
        await after_failed_sign_in(started_s)
        raise Unauthenticated("authentication failure") from None
    return dict(issued)


async def _demand(username: str, asked: TicketParameters) -> None:
    """All of `privs` on `path`: with the password, another service's question whether somebody may. Nothing more is
    told to who may not than to who has no password."""
    if not asked.path or not listed(asked.privs or ""):
        raise InvalidInput(HEADLINE, fields={"privs" if asked.path else "path": "is required to verify rights"})
    held = await rights.held(username, asked.path)
    if not all(each in held for each in listed(asked.privs or "")):
        raise Unauthenticated("authentication failure")


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
