"""The sheets of API tokens, realms and second factors: by what somebody gets in, besides a password kept here."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _

from datacenter.api import inside
from datacenter.permissions import people
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Act, Choices, Column, Field, Sheet, Values


def once(_answer: Any) -> str:
    """The value is shown this once."""
    return "sheets/_secret.html"


_TOKEN, _TOKENS_OF = "/access/users/{userid}/token/{tokenid}", ("userid", "tokenid")
CONFIRMATION = "confirmation-password"
_OVER = _("This needs User.Modify on all groups, or on a group the user is in.")


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
    Field("privsep", _("Rights of its own: only what is given to the token itself"), "check", value=True),
    Field("expire", _("Expires"), "moment", _("A day and a time in UTC. Left empty, the token never expires.")),
    Field("comment", _("Comment")),
)
NAME_OF_TOKEN = Field("tokenid", _("Name"), hint=_("Begins with a letter; then letters, digits, . - _"))
TOKEN_COLUMNS = (
    Column("full", _("Token"), "name"), Column("privsep", _("Rights of its own"), "flag"),
    Column("expire", _("Expires"), "moment"), Column("comment", _("Comment")),
)  # fmt: skip
TOKEN_ACTS = (
    Act("edit", _("Edit"), _("Edit a token"), "PUT", _TOKEN, ABOUT_TOKEN, _TOKENS_OF, may=may_over, why=_OVER,
        confirms=CONFIRMATION,
    ),
    Act(
        "regenerate", _("New value"), _("Give a token a new value"), "PUT", _TOKEN, (), _TOKENS_OF,
        fixed={"regenerate": "1"}, confirms=CONFIRMATION,
        lead=_("The value that is used now is refused from then on."), shows=once, may=may_over, why=_OVER,
    ),
    Act(
        "remove", _("Remove"), _("Remove a token"), "DELETE", _TOKEN, (), _TOKENS_OF, dangerous=True, may=may_over,
        why=_OVER,
        lead=_("Programs that use it are refused from then on."),
    ),
)  # fmt: skip
NO_TOKENS = (
    _("There is no API token"),
    _("A token lets a program in without anybody's password, and can be taken away alone."),
)

TOKENS = Sheet(
    "tokens", _("API tokens"), "file", TOKEN_COLUMNS, tokens, NO_TOKENS,
    (
        Act(
            "add", _("Add token"), _("Add an API token"), "POST", _TOKEN,
            (Field("userid", _("User"), "choice", choices="users"), NAME_OF_TOKEN, *ABOUT_TOKEN), shows=once,
            confirms=CONFIRMATION,
        ),
    ),
    TOKEN_ACTS, _choices,
    links=((_("Rights"), "/datacenter/permissions/rights?userid=", "full"),),
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
    Column("type", _("Kind")), Column("description", _("Description")), Column("enable", _("In use"), "flag"),
    Column("created", _("Added"), "moment"),
)  # fmt: skip
FACTOR_ACTS = (
    Act(
        "edit", _("Edit"), _("Edit a second factor"), "PUT", _FACTOR,
        (Field("description", _("Description")), Field("enable", _("In use: is asked for at sign-in"), "check")),
        _FACTOR_OF,
        confirms="password", applies=lambda row: row["type"] != "recovery", may=may_over, why=_OVER,
    ),
    Act(
        "remove", _("Remove"), _("Remove a second factor"), "DELETE", _FACTOR, (), _FACTOR_OF, dangerous=True,
        confirms="password", may=may_over, why=_OVER, lead=_("It is not asked for any more."),
    ),
)  # fmt: skip

FACTORS = Sheet(
    "two-factor", _("Second factors"), "check",
    (Column("userid", _("User"), "name"), *FACTOR_COLUMNS, Column("locked", _("Locked"), "flag")),
    factors,
    (_("Nobody has a second factor"), _("Everybody adds their own, on the page of their account.")),
    (),
    (
        *FACTOR_ACTS,
        Act(
            "unlock", _("Unlock"), _("Let locked second factors be tried again"), "PUT",
            "/access/users/{userid}/unlock-tfa",
            (), ("userid",), applies=lambda row: bool(row["locked"]), may=may_over, why=_OVER,
        ),
    ),
)  # fmt: skip
