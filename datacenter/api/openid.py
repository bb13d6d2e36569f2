"""/access/openid: signing in with a provider's word. A browser is sent to the address, and comes back with a code."""

from __future__ import annotations

from typing import Any

import msgspec

from cluster.control.access_requests import OpenIdAddress, OpenIdLogin
from datacenter import gateway
from datacenter.api.access import TicketRow
from datacenter.api.call import Call
from datacenter.api.endpoint import Endpoint, Parameters
from datacenter.api.permission import PUBLIC
from datacenter.api.types import LongText, Realm, Text

TIMEOUT_S = 25.0  # the provider is asked up to three times, five seconds each


class AddressParameters(Parameters, kw_only=True):
    realm: Realm
    redirect_url: Text = msgspec.field(name="redirect-url")


class LoginParameters(Parameters, kw_only=True):
    state: LongText
    code: LongText
    redirect_url: Text = msgspec.field(name="redirect-url")


async def address(_call: Call, asked: AddressParameters) -> Any:
    return await gateway.call(OpenIdAddress(asked.realm, asked.redirect_url), timeout_s=TIMEOUT_S)


async def login(call: Call, asked: LoginParameters) -> Any:
    wanted = OpenIdLogin(asked.state, asked.code, asked.redirect_url, call.address)
    return await gateway.call(wanted, timeout_s=TIMEOUT_S)


ENDPOINTS = (
    Endpoint(
        "POST", "/access/openid/auth-url", "Where to send a browser to prove who it is.", address, PUBLIC,
        AddressParameters, str, secret=True,
    ),
    Endpoint(
        "POST", "/access/openid/login", "Sign in with what the provider's answer brought back.", login, PUBLIC,
        LoginParameters, TicketRow, secret=True,
    ),
)  # fmt: skip
