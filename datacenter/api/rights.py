"""/access/groups, /access/roles, /access/acl and /access/permissions: who may what, and in what words."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from cluster.control import access_requests as ask
from datacenter.api.asks import asks
from datacenter.api.endpoint import Endpoint, NoParameters, Parameters, Row
from datacenter.api.permission import SIGNED_IN, Within, perm
from datacenter.api.types import AuthId, AuthIdList, Flag, GroupName, NameList, ObjectPath, RoleName, Text


class OneGroup(Parameters, kw_only=True):
    groupid: GroupName


class NewGroup(OneGroup, kw_only=True):
    comment: Text = ""


class ChangedGroup(OneGroup, kw_only=True):
    comment: Text | None = None


class GroupRow(Row, kw_only=True):
    groupid: str
    comment: str | UnsetType = UNSET
    users: str


class GroupShown(Row, kw_only=True):
    comment: str | UnsetType = UNSET
    members: list[str]


class OneRole(Parameters, kw_only=True):
    roleid: RoleName


class NewRole(OneRole, kw_only=True):
    privs: NameList = ""


class ChangedRole(OneRole, kw_only=True):
    privs: NameList
    append: bool = False


class RoleRow(Row, kw_only=True):
    roleid: str
    privs: str
    special: Flag


class AclRow(Row, kw_only=True):
    path: str
    type: Literal["user", "group", "token"]
    ugid: str
    roleid: str
    propagate: Flag


class ChangedAcl(Parameters, kw_only=True):
    path: ObjectPath
    roles: NameList
    users: AuthIdList = ""
    groups: NameList = ""
    tokens: AuthIdList = ""
    propagate: bool = True
    delete: bool = False


class Grant(Row, kw_only=True):
    path: str
    type: Literal["user", "group", "token"]
    ugid: str
    roleid: str
    propagate: Flag


class ReasonRow(Row, kw_only=True):
    path: str
    privs: dict[str, Flag]
    grants: list[Grant]


class WhoseReasons(Parameters, kw_only=True):
    userid: AuthId | None = None


class WhoseRights(Parameters, kw_only=True):
    userid: AuthId | None = None
    path: ObjectPath | None = None


_GROUPS = perm("/access/groups", "Group.Allocate")
_ROLES = perm("/access", "Sys.Modify")

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET", "/access/groups", "The groups one may see.", asks(ask.GroupList), SIGNED_IN, NoParameters,
        list[GroupRow],
    ),
    Endpoint("POST", "/access/groups", "Make a group.", asks(ask.GroupAdd), _GROUPS, NewGroup),
    Endpoint(
        "GET", "/access/groups/{groupid}", "A group with its members.", asks(ask.GroupShow),
        perm("/access/groups/{groupid}", "Sys.Audit", "Group.Allocate", any=True), OneGroup, GroupShown,
    ),
    Endpoint("PUT", "/access/groups/{groupid}", "Change a group.", asks(ask.GroupChange), _GROUPS, ChangedGroup),
    Endpoint(
        "DELETE", "/access/groups/{groupid}", "Remove a group with its rights.", asks(ask.GroupRemove), _GROUPS,
        OneGroup,
    ),
    Endpoint("GET", "/access/roles", "Every role.", asks(ask.RoleList), SIGNED_IN, NoParameters, list[RoleRow]),
    Endpoint("POST", "/access/roles", "Make a role.", asks(ask.RoleAdd), _ROLES, NewRole),
    Endpoint(
        "GET", "/access/roles/{roleid}", "A role's privileges.", asks(ask.RoleShow), SIGNED_IN, OneRole,
        dict[str, Flag],
    ),
    Endpoint("PUT", "/access/roles/{roleid}", "Change a role.", asks(ask.RoleChange), _ROLES, ChangedRole),
    Endpoint(
        "DELETE", "/access/roles/{roleid}", "Remove a role nobody has.", asks(ask.RoleRemove), _ROLES, OneRole
    ),
    Endpoint(
        "GET", "/access/acl", "Who has which role where, of what one may see.", asks(ask.AclList), SIGNED_IN,
        NoParameters, list[AclRow],
    ),
    Endpoint(
        "PUT", "/access/acl", "Give roles on a path, or take them away.", asks(ask.AclChange),
        Within(
            "Permissions.Modify on the path; or Datastore.Allocate, VM.Allocate, Pool.Allocate below /storage, /vms,"
            " /pool, for roles of no more than one's own privileges."
        ),
        ChangedAcl,
    ),
    Endpoint(
        "GET", "/access/permissions", "What somebody may, by path.", asks(ask.Permissions),
        Within("Oneself and one's own tokens; others with Sys.Audit on /access."), WhoseRights,
        dict[str, dict[str, Flag]],
    ),
    Endpoint(
        "GET", "/access/reasons", "What somebody may, by path, and by which roles given where. Quire's own.",
        asks(ask.PermissionReasons), Within("Oneself and one's own tokens; others with Sys.Audit on /access."),
        WhoseReasons, list[ReasonRow],
    ),
)  # fmt: skip
