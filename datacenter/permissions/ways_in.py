"""The sheets of API tokens, realms and second factors: by what somebody gets in, besides a password kept here."""

from __future__ import annotations

from typing import Any

from datacenter.api import inside
from datacenter.permissions import people
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Act, Choices, Column, Field, Sheet, Values


def once(_answer: Any) -> str:
    """The value is shown this once."""
    return "sheets/_secret.html"


_TOKEN, _TOKENS_OF = "/access/users/{userid}/token/{tokenid}", ("userid", "tokenid")
_OVER = "This needs User.Modify on all groups, or on a group the user is in."


async def tokens(request: Any) -> list[dict[str, Any]]:
    return [
        {**token, "userid": user["userid"], "groups": user["groups"], "full": f"{user['userid']}!{token['tokenid']}"}
        for user in await people.users(request)
        for token in user.get("tokens") or ()
    ]


async def _choices(request: Any) -> dict[str, Choices]:
    return {"users": tuple((one["userid"], one["userid"]) for one in await people.users(request))}


def may_over(own: Own, row: Values) -> bool:
    """One's own, or over the user."""
    if row.get("userid") == own.user:
        return True
    in_groups = [f"/access/groups/{each}" for each in str(row.get("groups", "")).split(",") if each]
    return row.get("userid") != "root@pam" and any(
        own.holds("User.Modify", path) for path in ("/access/groups", *in_groups)
    )


ABOUT_TOKEN = (
    Field("privsep", "Rights of its own: only what is given to the token itself", "check", value=True),
    Field("expire", "Expires", "moment", "A day and a time in UTC. Left empty, the token never expires."),
    Field("comment", "Comment"),
)
NAME_OF_TOKEN = Field("tokenid", "Name", hint="Begins with a letter; then letters, digits, . - _")
TOKEN_COLUMNS = (
    Column("full", "Token", "name"), Column("privsep", "Rights of its own", "flag"),
    Column("expire", "Expires", "moment"), Column("comment", "Comment"),
)  # fmt: skip
TOKEN_ACTS = (
    Act("edit", "Edit", "Edit a token", "PUT", _TOKEN, ABOUT_TOKEN, _TOKENS_OF, may=may_over, why=_OVER),
    Act(
        "regenerate", "New value", "Give a token a new value", "PUT", _TOKEN, (), _TOKENS_OF, fixed={"regenerate": "1"},
        lead="The value that is used now is refused from then on.", shows=once, may=may_over, why=_OVER,
    ),
    Act(
        "remove", "Remove", "Remove a token", "DELETE", _TOKEN, (), _TOKENS_OF, dangerous=True, may=may_over, why=_OVER,
        lead="Programs that use it are refused from then on.",
    ),
)  # fmt: skip
NO_TOKENS = (
    "There is no API token",
    "A token lets a program in without anybody's password, and can be taken away alone.",
)

TOKENS = Sheet(
    "tokens", "API tokens", "file", TOKEN_COLUMNS, tokens, NO_TOKENS,
    (
        Act(
            "add", "Add token", "Add an API token", "POST", _TOKEN,
            (Field("userid", "User", "choice", choices="users"), NAME_OF_TOKEN, *ABOUT_TOKEN), shows=once,
        ),
    ),
    TOKEN_ACTS, _choices,
    links=(("Rights", "/datacenter/permissions/rights?userid=", "full"),),
)  # fmt: skip


async def factors(request: Any) -> list[dict[str, Any]]:
    found = await inside.ask(request, "GET", "/access/tfa")
    kept = {one["userid"]: one["groups"] for one in await people.users(request)}
    return [
        {
            **entry, "userid": row["userid"], "groups": kept.get(row["userid"], ""),
            "locked": bool(row.get("totp-locked") or row.get("tfa-locked-until")),
        }
        for row in found
        for entry in row["entries"]
    ]  # fmt: skip


_FACTOR, _FACTOR_OF = "/access/tfa/{userid}/{id}", ("userid", "id")
FACTOR_COLUMNS = (
    Column("type", "Kind"), Column("description", "Description"), Column("enable", "In use", "flag"),
    Column("created", "Added", "moment"),
)  # fmt: skip
FACTOR_ACTS = (
    Act(
        "edit", "Edit", "Edit a second factor", "PUT", _FACTOR,
        (Field("description", "Description"), Field("enable", "In use: is asked for at sign-in", "check")), _FACTOR_OF,
        confirms="password", applies=lambda row: row["type"] != "recovery", may=may_over, why=_OVER,
    ),
    Act(
        "remove", "Remove", "Remove a second factor", "DELETE", _FACTOR, (), _FACTOR_OF, dangerous=True,
        confirms="password", may=may_over, why=_OVER, lead="It is not asked for any more.",
    ),
)  # fmt: skip

FACTORS = Sheet(
    "two-factor", "Second factors", "check",
    (Column("userid", "User", "name"), *FACTOR_COLUMNS, Column("locked", "Locked", "flag")),
    factors,
    ("Nobody has a second factor", "Everybody adds their own, on the page of their account."),
    (),
    (
        *FACTOR_ACTS,
        Act(
            "unlock", "Unlock", "Let locked second factors be tried again", "PUT", "/access/users/{userid}/unlock-tfa",
            (), ("userid",), applies=lambda row: bool(row["locked"]), may=may_over, why=_OVER,
        ),
    ),
)  # fmt: skip
