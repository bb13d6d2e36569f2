"""Requests about the realms one can sign in to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.access import domains
from cluster.access.sections import Section
from cluster.control.access_requests import RealmAdd, RealmChange, RealmList, RealmRemove, RealmShow
from cluster.control.conversation import Handler
from cluster.control.requests import Request
from cluster.errors import Conflict, NotFound
from cluster.node.access import ldap
from cluster.node.access.directory import Draft

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

SECRET_KEYS = ("client-key",)


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    directory = node.access.directory

    async def listing(request: RealmList) -> Any:
        return [
            {"realm": realm.name, "type": realm.kind, **_shown(realm, ("comment", "default", "tfa"))}
            for realm in directory.realms().values()
        ]

    async def show(request: RealmShow) -> Any:
        realm = directory.realms().get(request.realm)
        if realm is None:
            raise NotFound(f"There is no realm {request.realm[:32]}.")
        keys = tuple(key for key in realm.properties if key not in SECRET_KEYS)
        return {"type": realm.kind, **_shown(realm, keys), "digest": directory.digest(domains.PATH)}

    async def add(request: RealmAdd) -> Any:
        def edit(draft: Draft) -> None:
            domains.add(draft.realms, request.type, request.realm, request.settings)
            if request.password is not None:
                draft.put(ldap.secret_path(request.realm), request.password.reveal().encode())

        await directory.change(edit, user=request.user)

    async def change(request: RealmChange) -> Any:
        if request.digest is not None and request.digest != directory.digest(domains.PATH):
            raise Conflict("The realms were changed by someone else. Read them again.")

        def edit(draft: Draft) -> None:
            domains.change(draft.realms, request.realm, request.settings, tuple(request.delete))
            if request.password is not None:
                draft.put(ldap.secret_path(request.realm), request.password.reveal().encode() or None)

        await directory.change(edit, user=request.user)

    async def remove(request: RealmRemove) -> Any:
        def edit(draft: Draft) -> None:
            domains.remove(draft.realms, request.realm)
            draft.put(ldap.secret_path(request.realm), None)

        await directory.change(edit, user=request.user)

    return {RealmList: listing, RealmShow: show, RealmAdd: add, RealmChange: change, RealmRemove: remove}


def _shown(realm: Section, keys: tuple[str, ...]) -> dict[str, Any]:
    found = {key: realm.properties[key] for key in keys if key in realm.properties}
    return {key: int(realm.is_on(key)) if key in domains.FLAGS else value for key, value in found.items()}
