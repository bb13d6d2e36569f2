"""The sheets of users and groups. Who may is decided by the API; here it is only foreseen."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _

from datacenter.api import inside
from datacenter.sheets.own import ROOT, Own
from datacenter.sheets.sheet import Act, Choices, Column, Field, Sheet, Values

GROUPS, REALM = "/access/groups", "/access/realm"
_OVER = _("This needs User.Modify on all groups, or on a group the user is in.")
_ADD = _("This needs Realm.AllocateUser on a realm and User.Modify on a group.")
_ALLOCATE = _("This needs Group.Allocate on /access/groups.")


async def users(request: Any) -> list[dict[str, Any]]:
    found = await inside.ask(request, "GET", "/access/users", {"full": "1"})
    return [
        {
            **row,
            "name": " ".join(filter(None, (row.get("firstname"), row.get("lastname")))),
            "locked": bool(row.get("totp-locked") or row.get("tfa-locked-until")),
            "groups": row.get("groups", ""),
        }
        for row in found
    ]


async def groups(request: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await inside.ask(request, "GET", "/access/groups")
    return found


async def _choices(request: Any) -> dict[str, Choices]:
    realms = await inside.ask(request, "GET", "/access/domains")
    kept = [(one["realm"], f"{one['realm']} – {one.get('comment', one['type'])}") for one in realms]
    return {"realms": tuple(kept), "groups": tuple((one["groupid"], one["groupid"]) for one in await groups(request))}


def _full_name(given: dict[str, Any]) -> dict[str, Any]:
    """A name and a realm chosen beside it are the user's id."""
    name, realm = given.pop("userid"), given.pop("realm")
    return {**given, "userid": name if "@" in name or not name else f"{name}@{realm}"}


def _may_over(own: Own, row: Values) -> bool:
    """Users may change one another's affairs, but nobody root@pam's."""
    if row.get("userid") == ROOT and not own.is_root:
        return False
    in_groups = [f"{GROUPS}/{group}" for group in str(row.get("groups", "")).split(",") if group]
    return any(own.holds("User.Modify", path) for path in (GROUPS, *in_groups))


def _may_remove(own: Own, row: Values) -> bool:
    realm = str(row["userid"]).rpartition("@")[2]
    return _may_over(own, row) and own.holds("Realm.AllocateUser", f"{REALM}/{realm}")


_ABOUT = (
    Field("firstname", _("First name")),
    Field("lastname", _("Last name")),
    Field("email", _("E-mail")),
    Field("groups", _("Groups"), "several", choices="groups"),
    Field("expire", _("Expires"), "moment", _("A day and a time in UTC. Left empty, the user never expires.")),
    Field("enable", _("Enabled: may sign in"), "check", value=True),
    Field("comment", _("Comment")),
)
_ROW = "/access/users/{userid}"

USERS = Sheet(
    "users", _("Users"), "user",
    (
        Column("userid", _("User"), "name"), Column("enable", _("Enabled"), "flag"), Column("name", _("Name")),
        Column("groups", _("Groups"), "tags"), Column("expire", _("Expires"), "moment"), Column("comment",
        _("Comment")),
    ),
    users,
    (_("There is no user you may see"), _("Whoever holds User.Modify or Sys.Audit on a user's group sees the user.")),
    (
        Act(
            "add", _("Add user"), _("Add a user"), "POST", "/access/users",
            (
                Field("userid", _("User name"), hint=_("Without blanks, @ and slashes.")),
                Field("realm", _("Realm"), "choice", _("Where the password is checked."), choices="realms",
                value="pve"),
                Field(
                    "password", _("Password"), "password", _("8 to 64 characters; only in the realm pve."),
                    optional=True,
                    autocomplete="new-password",
                ),
                *_ABOUT,
            ),
            given=_full_name, why=_ADD,
            may=lambda own, row: own.somewhere("Realm.AllocateUser", REALM) and own.somewhere("User.Modify", GROUPS),
        ),
    ),
    (
        Act("edit", _("Edit"), _("Edit a user"), "PUT", _ROW, _ABOUT, ("userid",), may=_may_over, why=_OVER),
        Act(
            "password", _("Password"), _("Set a user's password"), "PUT", "/access/password",
            (
                Field(
                    "password", _("New password"), "password", _("8 to 64 characters. The user's sessions end."),
                    autocomplete="new-password",
                ),
            ),
            ("userid",), confirms="confirmation-password", may=_may_remove,
            why=_("This needs Realm.AllocateUser on the user's realm and User.Modify over the user."),
            applies=lambda row: str(row["userid"]).endswith("@pve"),
        ),
        Act(
            "unlock", _("Unlock"), _("Let locked second factors be tried again"), "PUT", f"{_ROW}/unlock-tfa", (),
            ("userid",), applies=lambda row: bool(row["locked"]), may=_may_over, why=_OVER,
        ),
        Act(
            "remove", _("Remove"), _("Remove a user"), "DELETE", _ROW, (), ("userid",), dangerous=True,
            lead=_("The user's tokens, second factors, memberships and rights go as well, and all sessions end."),
            applies=lambda row: row["userid"] != ROOT, may=_may_remove,
            why=_("This needs Realm.AllocateUser on the user's realm and User.Modify over the user."),
        ),
    ),
    _choices,
    links=((_("Rights"), "/datacenter/permissions/rights?userid=", "userid"),),
)  # fmt: skip

_COMMENT = (Field("comment", _("Comment")),)
_GROUP = "/access/groups/{groupid}"


def _may_groups(own: Own, _row: Values) -> bool:
    return own.holds("Group.Allocate", GROUPS)


GROUPS_SHEET = Sheet(
    "groups", _("Groups"), "user",
    (Column("groupid", _("Group"), "name"), Column("users", _("Members"), "tags"), Column("comment", _("Comment"))),
    groups,
    (_("There is no group"), _("Rights that are given to a group hold for all its members. Users are put into groups on"
     " the page of users.")),
    (
        Act(
            "add", _("Add group"), _("Add a group"), "POST", "/access/groups", (Field("groupid", _("Name")), *_COMMENT),
            may=_may_groups, why=_ALLOCATE,
        ),
    ),
    (
        Act("edit", _("Edit"), _("Edit a group"), "PUT", _GROUP, _COMMENT, ("groupid",), may=_may_groups,
        why=_ALLOCATE),
        Act(
            "remove", _("Remove"), _("Remove a group"), "DELETE", _GROUP, (), ("groupid",), dangerous=True,
            lead=_("Its rights go as well; its members stay."), may=_may_groups, why=_ALLOCATE,
        ),
    ),
)  # fmt: skip
