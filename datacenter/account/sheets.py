"""The sheets of one's own account. They ask the API as any sheet does, for whoever is signed in."""

from __future__ import annotations

import base64
import secrets
from typing import Any
from urllib.parse import quote, urlencode

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from cluster.control.access_requests import SessionList
from cluster.errors import InvalidInput
from datacenter import gateway
from datacenter.account.qr import code_of
from datacenter.api import inside
from datacenter.permissions import ways_in
from datacenter.sheets.sheet import Act, Column, Field, Sheet, Values

HERE = "/account"
SECRET_BYTES = 20
_FACTORS = "/access/tfa/{userid}"


def _own(request: Any) -> dict[str, str]:
    return {"userid": request.quire_user.username}


# --- who one is -------------------------------------------------------------------------------------------------------


async def _me(request: Any) -> list[dict[str, Any]]:
    found = await inside.ask(request, "GET", "/access/users/{userid}", _own(request))
    name = " ".join(filter(None, (found.get("firstname"), found.get("lastname"))))
    return [{**found, **_own(request), "name": name}]


def _twice(given: dict[str, Any]) -> dict[str, Any]:
    if given.pop("again") != given["password"]:
        raise InvalidInput(gettext("not the same"), fields={"again": gettext("is not the same password")})
    return given


ME = Sheet(
    "me", _("My account"), "user",
    (
        Column("userid", _("User"), "name"), Column("name", _("Name")), Column("email", _("E-mail")),
        Column("groups", _("Groups"), "tags"), Column("expire", _("Expires"), "moment"),
    ),
    _me,
    (_("There is no such user any more"), _("Sign in again.")),
    (),
    (
        Act(
            "password", _("Change password"), _("Change my password"), "PUT", "/access/password",
            (
                Field("password", _("New password"), "password", _("8 to 64 characters."), autocomplete="new-password"),
                Field("again", _("The same once more"), "password", autocomplete="new-password"),
            ),
            ("userid",), given=_twice, confirms="confirmation-password", leaves=HERE,
            lead=_("All your sessions end, this one too: sign in with the new password then."),
            may=lambda own, row: own.user.endswith("@pve"),
            why=_("The password of this user is kept by its realm, not here."),
        ),
    ),
    links=((_("What I may"), "/datacenter/permissions/rights?userid=", "userid"),),
)  # fmt: skip

# --- second factors ---------------------------------------------------------------------------------------------------


async def _factors(request: Any) -> list[dict[str, Any]]:
    found = await inside.ask(request, "GET", _FACTORS, _own(request))
    return [{**entry, **_own(request)} for entry in found]


async def _new_authenticator(request: Any, _row: Values) -> Values:
    """A secret nobody has seen; it counts once a code from it came back."""
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    label, issuer = quote(f"Quire:{request.quire_user.username}"), urlencode({"secret": secret, "issuer": "Quire"})
    address = f"otpauth://totp/{label}?{issuer}&algorithm=SHA1&digits=6&period=30"
    return {"totp": address, "secret": secret, "qr": code_of(address)}


_DESCRIPTION = Field("description", _("Description"), hint=_("To tell it from your others, for instance: my phone."))

FACTORS = Sheet(
    "factors", _("Second factors"), "check", ways_in.FACTOR_COLUMNS, _factors,
    (_("You have no second factor"), _("With one, a stolen password alone lets nobody in.")),
    (
        Act(
            "totp", _("Authenticator"), _("Add an authenticator"), "POST", _FACTORS,
            (
                Field("totp", "", "hidden"),
                Field("value", _("Code it shows now"), "number", autocomplete="one-time-code"), _DESCRIPTION,
            ),
            fixed={"type": "totp"}, confirms="password", fill=_new_authenticator, template="account/_totp.html",
        ),
        Act(
            "webauthn", _("Security key"), _("Add a security key"), "POST", _FACTORS,
            (_DESCRIPTION, Field("challenge", "", "asked", optional=True), Field("value", "", "asked", optional=True)),
            fixed={"type": "webauthn"}, confirms="password", template="account/_webauthn.html", into="#webauthn-ask",
            shows=lambda answer: "account/_webauthn_ask.html" if "challenge" in answer else "",
        ),
        Act(
            "recovery", _("Recovery codes"), _("Make recovery codes"), "POST", _FACTORS, (), fixed={"type": "recovery"},
            lead=_("Ten codes, each good once, for the day your other factor is lost. They are shown this once."),
            confirms="password", shows=lambda answer: "account/_recovery.html",
        ),
    ),
    ways_in.FACTOR_ACTS,
)  # fmt: skip

# --- tokens -----------------------------------------------------------------------------------------------------------


async def _tokens(request: Any) -> list[dict[str, Any]]:
    own = _own(request)
    found = await inside.ask(request, "GET", "/access/users/{userid}/token", own)
    return [{**token, **own, "full": f"{own['userid']}!{token['tokenid']}"} for token in found]


TOKENS = Sheet(
    "tokens", _("API tokens"), "file", ways_in.TOKEN_COLUMNS, _tokens, ways_in.NO_TOKENS,
    (
        Act(
            "add", _("Add token"), _("Add an API token"), "POST", "/access/users/{userid}/token/{tokenid}",
            (ways_in.NAME_OF_TOKEN, *ways_in.ABOUT_TOKEN), shows=ways_in.once, confirms=ways_in.CONFIRMATION,
        ),
    ),
    ways_in.TOKEN_ACTS,
)  # fmt: skip

# --- sessions ---------------------------------------------------------------------------------------------------------


async def _sessions(request: Any) -> list[dict[str, Any]]:
    """The ticket is sent along to tell which session is this one."""
    user = request.quire_user
    found: list[dict[str, Any]] = await gateway.call(SessionList(user.username, user.username, user.ticket))
    return [{**one, "which": _("this one") if one["current"] else ""} for one in found]


SESSIONS = Sheet(
    "sessions", _("Where I am signed in"), "node",
    (
        Column("started", _("Since"), "moment"), Column("address", _("From"), "name"), Column("node", _("By way of")),
        Column("issued", _("Renewed"), "moment"), Column("which", "", "words"),
    ),
    _sessions,
    (_("No session is listed"), _("It may take a second until one is.")),
    (
        Act(
            "end-all", _("End all"), _("End all my sessions"), "DELETE", "/access/sessions", (), dangerous=True,
            leaves="/", confirms=ways_in.CONFIRMATION,
            lead=_("Everywhere, this one too. You then sign in again."),
        ),
    ),
    (
        Act(
            "end", _("End session"), _("End a session"), "DELETE", "/access/sessions/{id}", (), ("id",), dangerous=True,
            lead=_("Whoever uses it has to sign in again."), applies=lambda row: not row["current"],
        ),
    ),
)  # fmt: skip

SHEETS = {sheet.name: sheet for sheet in (ME, FACTORS, TOKENS, SESSIONS)}
