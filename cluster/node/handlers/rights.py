"""Requests about groups, roles and lists of rights, and what somebody may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.access import edits
from cluster.access.names import clean_path
from cluster.access.privileges import BUILT_IN
from cluster.access.user_cfg import kind_of
from cluster.control import access_requests as ask
from cluster.control.conversation import Handler
from cluster.control.requests import Request
from cluster.errors import InvalidInput
from cluster.node.access.directory import Draft
from cluster.node.access.needs import GROUPS

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

SEES_GROUPS = ("User.Modify", "Sys.Audit", "Group.Allocate")


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    return {**_of_groups(node), **_of_roles(node), **_of_lists(node)}


def _of_groups(node: Daemon) -> dict[type[Request], Handler]:
    directory, rights = node.access.directory, node.access.rights

    async def groups(request: ask.GroupList) -> Any:
        return [
            {"groupid": name, **_comment(group.comment), "users": ",".join(sorted(group.users))}
            for name, group in sorted(directory.users().groups.items())
            if any(rights.may(request.user, f"{GROUPS}/{name}", one) for one in SEES_GROUPS)
        ]

    async def group(request: ask.GroupShow) -> Any:
        rights.demand(request.user, f"{GROUPS}/{request.groupid}", "Sys.Audit", "Group.Allocate", one_is_enough=True)
        found = edits.group(directory.users(), request.groupid)
        return {**_comment(found.comment), "members": sorted(found.users)}

    async def add(request: ask.GroupAdd) -> Any:
        await directory.change(
            lambda draft: edits.add_group(draft.users, request.groupid, request.comment), user=request.user
        )

    async def change(request: ask.GroupChange) -> Any:
        def edit(draft: Draft) -> None:
            found = edits.group(draft.users, request.groupid)
            found.comment = found.comment if request.comment is None else request.comment

        await directory.change(edit, user=request.user)

    async def remove(request: ask.GroupRemove) -> Any:
        await directory.change(lambda draft: edits.remove_group(draft.users, request.groupid), user=request.user)

    return {
        ask.GroupList: groups,
        ask.GroupShow: group,
        ask.GroupAdd: add,
        ask.GroupChange: change,
        ask.GroupRemove: remove,
    }


def _of_roles(node: Daemon) -> dict[type[Request], Handler]:
    directory = node.access.directory

    async def roles(request: ask.RoleList) -> Any:
        every = {**BUILT_IN, **directory.users().roles}
        return [
            {"roleid": name, "privs": ",".join(sorted(every[name])), "special": int(name in BUILT_IN)}
            for name in sorted(every)
        ]

    async def role(request: ask.RoleShow) -> Any:
        return dict.fromkeys(sorted(edits.role(directory.users(), request.roleid)), 1)

    async def add(request: ask.RoleAdd) -> Any:
        await directory.change(
            lambda draft: edits.add_role(draft.users, request.roleid, request.privs), user=request.user
        )

    async def change(request: ask.RoleChange) -> Any:
        await directory.change(
            lambda draft: edits.change_role(draft.users, request.roleid, request.privs, append=request.append),
            user=request.user,
        )

    async def remove(request: ask.RoleRemove) -> Any:
        await directory.change(lambda draft: edits.remove_role(draft.users, request.roleid), user=request.user)

    return {ask.RoleList: roles, ask.RoleShow: role, ask.RoleAdd: add, ask.RoleChange: change, ask.RoleRemove: remove}


def _of_lists(node: Daemon) -> dict[type[Request], Handler]:
    directory, rights = node.access.directory, node.access.rights

    async def lists(request: ask.AclList) -> Any:
        sees_all = rights.may(request.user, "/access", "Sys.Audit")
        return [
            {"path": path, "type": kind_of(who), "ugid": who.lstrip("@"), "roleid": role, "propagate": int(below)}
            for path, entries in sorted(directory.users().lists.items())
            if sees_all or rights.may(request.user, path, "Permissions.Modify")
            for who, roles in sorted(entries.items())
            for role, below in sorted(roles.items())
        ]

    async def change(request: ask.AclChange) -> Any:
        path = clean_path(request.path)
        who = [*request.users, *(f"@{name}" for name in request.groups), *request.tokens]
        if not who or not request.roles:
            raise InvalidInput("Rights are given to somebody.", fields={"users": "users, groups or tokens are needed"})

        def edit(draft: Draft) -> None:
            if request.delete:
                edits.take(draft.users, path, who, request.roles)
            else:
                edits.give(draft.users, path, who, request.roles, request.propagate)

        await directory.change(edit, user=request.user)

    async def held(request: ask.HeldRights) -> Any:
        return {one: int(below) for one, below in rights.held(request.user, request.path).items()}

    async def permissions(request: ask.Permissions) -> Any:
        return rights.everywhere(request.userid or request.user, [clean_path(request.path)] if request.path else [])

    async def reasons(request: ask.PermissionReasons) -> Any:
        return rights.reasons(request.userid or request.user)

    return {
        ask.AclList: lists,
        ask.AclChange: change,
        ask.HeldRights: held,
        ask.Permissions: permissions,
        ask.PermissionReasons: reasons,
    }


def _comment(text: str) -> dict[str, str]:
    return {"comment": text} if text else {}
