"""The sheets of roles and of who has which role where; and what somebody may, with the reasons."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from datacenter.api import inside
from datacenter.permissions import people
from datacenter.sheets.own import Own
from datacenter.sheets.sheet import Act, Choices, Column, Field, Sheet, Values

PATHS = ("/", "/access", "/access/groups", "/access/realm", "/nodes", "/pool", "/storage", "/vms", "/sdn", "/mapping")
_SYS = _("This needs Sys.Modify on /access.")
_GIVE = _("This needs Permissions.Modify on the path.")


async def roles(request: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await inside.ask(request, "GET", "/access/roles")
    return sorted(found, key=lambda one: (one["special"], one["roleid"]))


async def _privileges(request: Any) -> dict[str, Choices]:
    every = await inside.ask(request, "GET", "/access/roles/{roleid}", {"roleid": "Administrator"})
    return {"privileges": tuple((one, one) for one in sorted(every))}


def _may_roles(own: Own, _row: Values) -> bool:
    return own.holds("Sys.Modify", "/access")


_PRIVILEGES = Field("privs", _("Privileges"), "several", choices="privileges")
_ROLE = "/access/roles/{roleid}"

ROLES = Sheet(
    "roles", _("Roles"), "check",
    (Column("roleid", _("Role"), "name"), Column("special", _("Built in"), "flag"), Column("privs", _("Privileges"),
    "tags")),
    roles,
    (_("There is no role"), _("A role is a name for privileges that are given together.")),
    (
        Act(
            "add", _("Add role"), _("Add a role"), "POST", "/access/roles", (Field("roleid", _("Name")), _PRIVILEGES),
            may=_may_roles, why=_SYS,
        ),
    ),
    (
        Act(
            "edit", _("Edit"), _("Edit a role"), "PUT", _ROLE, (_PRIVILEGES,), ("roleid",),
            applies=lambda row: not row["special"], may=_may_roles, why=_SYS,
        ),
        Act(
            "remove", _("Remove"), _("Remove a role"), "DELETE", _ROLE, (), ("roleid",), dangerous=True,
            applies=lambda row: not row["special"], may=_may_roles, why=_SYS,
            lead=_("A role that is in use somewhere cannot be removed."),
        ),
    ),
    _privileges,
)  # fmt: skip


async def lists(request: Any) -> list[dict[str, Any]]:
    found = await inside.ask(request, "GET", "/access/acl")
    return [{**row, "who": f"{row['type']}:{row['ugid']}"} for row in found]


async def _choices(request: Any) -> dict[str, Choices]:
    users = await people.users(request)
    group, user, token = gettext("Group {name}"), gettext("User {name}"), gettext("Token {name}")
    subjects = [
        *((f"group:{one['groupid']}", group.format(name=one["groupid"])) for one in await people.groups(request)),
        *((f"user:{one['userid']}", user.format(name=one["userid"])) for one in users),
        *(
            (f"token:{one['userid']}!{each['tokenid']}", token.format(name=f"{one['userid']}!{each['tokenid']}"))
            for one in users
            for each in one.get("tokens") or ()
        ),
    ]
    return {
        "subjects": (("", _("Choose who")), *subjects),
        "roles": tuple((one["roleid"], one["roleid"]) for one in await roles(request)),
        "paths": tuple((path, "") for path in PATHS),
    }


def _given(given: dict[str, Any]) -> dict[str, Any]:
    """Who is one choice on the page, and one of three parameters in the API."""
    kind, _, name = str(given.pop("who", "")).partition(":")
    given["roles"] = given.pop("roleid")
    return {**given, "path": given["path"] or None, **({f"{kind}s": name} if name else {})}


LISTS = Sheet(
    "acl", _("Permissions"), "check",
    (
        Column("path", _("Path"), "name"), Column("type", _("To a")), Column("ugid", _("Who"), "name"),
        Column("roleid", _("Role"), "name"), Column("propagate", _("Holds below as well"), "flag"),
    ),
    lists,
    (
        _("No role is given to anybody"),
        _("Until then root@pam alone may do anything. Give a role to a user, a group or a token on a path."),
    ),
    (
        Act(
            "add", _("Give a role"), _("Give a role on a path"), "PUT", "/access/acl",
            (
                Field(
                    "path", _("Path"), hint=_("/ is everything; /nodes/alpha one node."), value="/", suggests="paths",
                ),
                Field("who", _("Who"), "choice", choices="subjects"),
                Field("roleid", _("Role"), "choice", choices="roles", value="PVEAuditor"),
                Field("propagate", _("Holds below the path as well"), "check", value=True),
            ),
            given=_given, why=_GIVE, may=lambda own, row: own.somewhere("Permissions.Modify"),
        ),
    ),
    (
        Act(
            "remove", _("Take away"), _("Take a role away"), "PUT", "/access/acl", (), ("path", "who", "roleid"),
            dangerous=True, fixed={"delete": "1"}, given=_given, why=_GIVE,
            may=lambda own, row: own.holds("Permissions.Modify", row["path"]),
        ),
    ),
    _choices,
)  # fmt: skip


async def reasons(request: Any, user: str) -> list[dict[str, Any]]:
    """By path: the privileges, and each role with where it was given and to whom."""
    asked = {"userid": user} if user else {}
    found = await inside.ask(request, "GET", "/access/reasons", asked)
    return [
        {
            **row,
            "depth": len([part for part in row["path"].split("/") if part]),
            "privileges": sorted(row["privs"]),
            "here_only": sorted(name for name, below in row["privs"].items() if not below),
        }
        for row in found
    ]
