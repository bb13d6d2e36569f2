"""Requests about users and their passwords. Who may is `cluster/node/access/needs.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.access import edits
from cluster.access.names import ROOT, realm_of
from cluster.access.user_cfg import User
from cluster.control.access_requests import PasswordChange, UserAdd, UserChange, UserList, UserRemove, UserShow
from cluster.control.conversation import Handler
from cluster.control.requests import Request
from cluster.errors import Conflict, InvalidInput
from cluster.node.access.directory import Draft
from cluster.node.access.needs import has_over
from cluster.node.access.realms import put_hash
from cluster.node.handlers.second_factors import locks
from cluster.secret import given

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

CONFIRMATION = "confirmation-password"
TEXTS = ("firstname", "lastname", "email", "comment", "keys")


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    directory, rights = node.access.directory, node.access.rights

    async def listing(request: UserList) -> Any:
        users = directory.users()
        rows = []
        for name, user in sorted(users.users.items()):
            own = request.user.partition("!")[0] == name
            if request.enabled is not None and user.enabled is not request.enabled:
                continue
            if not own and not has_over(rights, request.user, name, "User.Modify", "Sys.Audit"):
                continue
            row = {"userid": name, **_described(user), **_kind(name), **locks(directory.factors().user(name))}
            if request.full:
                row["groups"] = ",".join(users.groups_of(name))
                row["tokens"] = [{"tokenid": token, **shown(user, token)} for token in sorted(user.tokens)]
            rows.append(row)
        return rows

    def _kind(name: str) -> dict[str, str]:
        realm = directory.realms().get(realm_of(name))
        return {"realm-type": realm.kind} if realm is not None else {}

    async def show(request: UserShow) -> Any:
        users = directory.users()
        user = edits.user(users, request.userid)
        tokens = {name: shown(user, name) for name in sorted(user.tokens)}
        return {**_described(user), "groups": users.groups_of(request.userid), "tokens": tokens}

    async def add(request: UserAdd) -> Any:
        if realm_of(request.userid) not in directory.realms():
            raise InvalidInput("There is no such realm.", fields={"userid": "names a realm that is not there"})
        clear = given(request.password)
        stored = await node.access.realms.hashed(request.userid, clear) if clear else None
        first, last, email, comment, keys = (_text(request, name) for name in TEXTS)
        made = User(request.enable, request.expire, first, last, email, comment, keys)

        def edit(draft: Draft) -> None:
            edits.add_user(draft.users, request.userid, made, request.groups)
            if stored is not None:
                put_hash(draft, request.userid, stored)

        await directory.change(edit, user=request.user)

    async def change(request: UserChange) -> Any:
        if request.userid == ROOT and (request.enable is False or request.expire):
            raise Conflict(f"{ROOT} is always enabled and never expires.")

        def edit(draft: Draft) -> None:
            user = edits.user(draft.users, request.userid)
            user.enabled = user.enabled if request.enable is None else request.enable
            user.expire_s = user.expire_s if request.expire is None else request.expire
            for name in TEXTS:
                if getattr(request, name) is not None:
                    given = _text(request, name)
                    joined = f"{getattr(user, name)} {given}".strip() if request.append and name == "keys" else given
                    setattr(user, name, joined)
            if request.enable is False:
                node.access.sessions.end_in(draft, request.userid)
            if request.groups is not None:
                edits.set_groups(draft.users, request.userid, request.groups, append=request.append)

        await directory.change(edit, user=request.user)

    async def remove(request: UserRemove) -> Any:
        def edit(draft: Draft) -> None:
            for token in edits.user(draft.users, request.userid).tokens:
                draft.tokens.of.pop(f"{request.userid}!{token}", None)
            edits.remove_user(draft.users, request.userid)
            if realm_of(request.userid) == "pve":
                draft.shadow.of.pop(request.userid.rpartition("@")[0], None)
            draft.factors.forget(request.userid)
            node.access.sessions.end_in(draft, request.userid)

        await directory.change(edit, user=request.user)

    async def password(request: PasswordChange) -> Any:
        edits.user(directory.users(), request.userid)
        await node.access.confirmation.of_account(request, request.confirmation_password, CONFIRMATION)
        stored = await node.access.realms.hashed(request.userid, request.password.reveal())

        def edit(draft: Draft) -> None:
            put_hash(draft, request.userid, stored)
            node.access.sessions.end_in(draft, request.userid)

        await directory.change(edit, user=request.user)

    return {
        UserList: listing,
        UserShow: show,
        UserAdd: add,
        UserChange: change,
        UserRemove: remove,
        PasswordChange: password,
    }


def shown(user: User, name: str) -> dict[str, Any]:
    """A token as clients see it."""
    token = user.tokens[name]
    comment = {"comment": token.comment} if token.comment else {}
    return {"expire": token.expire_s, "privsep": int(token.privsep), **comment}


def _described(user: User) -> dict[str, Any]:
    texts = {name: getattr(user, name) for name in TEXTS if getattr(user, name)}
    return {"enable": int(user.enabled), "expire": user.expire_s, **texts}


def _text(request: Any, name: str) -> str:
    text: str = getattr(request, name)
    if len(text) > edits.TEXT_LENGTH_MAX:
        raise InvalidInput("That text is too long.", fields={name: f"has more than {edits.TEXT_LENGTH_MAX} characters"})
    return text
