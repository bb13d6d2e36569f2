"""Requests about second factors: list, add, change, remove, unlock. Changes take the asker's own password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.access import edits
from cluster.control import access_requests as ask
from cluster.control.conversation import Handler
from cluster.control.requests import Request
from cluster.errors import InvalidInput
from cluster.node.access.directory import Draft
from cluster.node.access.needs import has_over

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    directory, rights = node.access.directory, node.access.rights

    async def listing(request: ask.FactorsList) -> Any:
        factors = directory.factors()
        return [
            {"userid": name, "entries": factors.described(name), **locks(factors.user(name))}
            for name in sorted(directory.users().users)
            if factors.user(name)
            if name == request.user or has_over(rights, request.user, name, "User.Modify", "Sys.Audit")
        ]

    async def of_user(request: ask.FactorsOf) -> Any:
        edits.user(directory.users(), request.userid)
        return directory.factors().described(request.userid)

    async def add(request: ask.FactorAdd) -> Any:
        edits.user(directory.users(), request.userid)
        await _confirm(request)
        return await directory.change(
            lambda draft: node.access.enrolment.add(draft.factors, request.userid, request), user=request.user
        )

    async def change(request: ask.FactorChange) -> Any:
        await _confirm(request)

        def edit(draft: Draft) -> None:
            kind, entry = draft.factors.find(request.userid, request.id)
            if kind == "recovery":
                raise InvalidInput("Recovery codes stay as they are.", fields={"id": "can only be removed"})
            entry["description"] = entry.get("description") if request.description is None else request.description
            entry["enable"] = entry.get("enable", True) if request.enable is None else request.enable

        await directory.change(edit, user=request.user)

    async def remove(request: ask.FactorRemove) -> Any:
        await _confirm(request)
        await directory.change(lambda draft: draft.factors.remove(request.userid, request.id), user=request.user)

    async def unlock(request: ask.FactorsUnlock) -> Any:
        return int(await directory.change(lambda draft: draft.factors.unlock(request.userid), user=request.user))

    async def _confirm(request: ask.FactorAdd | ask.FactorChange | ask.FactorRemove) -> None:
        await node.access.confirmation.of_account(request, request.password, "password")

    return {
        ask.FactorsList: listing,
        ask.FactorsOf: of_user,
        ask.FactorAdd: add,
        ask.FactorChange: change,
        ask.FactorRemove: remove,
        ask.FactorsUnlock: unlock,
    }


def locks(entry: dict[str, Any]) -> dict[str, int]:
    """How a user's second factors are locked, as clients see it."""
    found = {"totp-locked": 1} if entry.get("totp-locked") else {}
    until = entry.get("tfa-locked-until")
    return {**found, "tfa-locked-until": int(until)} if until else found
