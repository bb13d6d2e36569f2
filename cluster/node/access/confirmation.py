"""Asks whoever is signed in for their password once more, before a change that would outlast the session.

Somebody at another's open page, or a script that got into it, must not make themselves a way in that stays: another
password, a second factor, an API token. Programs keep Proxmox VE's rules, by which only some of this takes a
confirmation, and root@pam's nothing. What is confirmed is the handlers' to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from cluster.access.names import ROOT, realm_of
from cluster.access.sections import Section
from cluster.errors import InvalidInput, Unauthenticated
from cluster.node.access.sign_in import SignIn
from cluster.secret import Secret

WRONG = "That is not your password."


class Asked(Protocol):
    """A request that may have to be confirmed: who asks, from where, and whether a browser's session does."""

    user: str
    address: str
    in_browser: bool


class Confirmation:
    def __init__(self, sign_in: SignIn, realms: Callable[[], Mapping[str, Section]]) -> None:
        self._sign_in, self._realms = sign_in, realms

    async def of_account(self, asked: Asked, given: Secret | None, field: str) -> None:
        """For what Proxmox VE's API confirms as well. Raises InvalidInput naming the parameter; Busy, Unavailable."""
        await self._look(asked, given, field, asked.in_browser or asked.user != ROOT)

    async def in_browser(self, asked: Asked, given: Secret | None, field: str) -> None:
        """For what only a browser's session confirms. Raises as `of_account`."""
        await self._look(asked, given, field, asked.in_browser)

    async def _look(self, asked: Asked, given: Secret | None, field: str, is_due: bool) -> None:
        if not given and is_due and not self._has_no_password(asked.user):
            raise InvalidInput("Enter your own password, to be sure that it is you.", fields={field: "is required"})
        if not given:
            return
        try:
            await self._sign_in.confirm(asked.user, given.reveal(), asked.address)
        except Unauthenticated:
            raise InvalidInput(WRONG, fields={field: "is not your password"}) from None

    def _has_no_password(self, user: str) -> bool:
        """Of users of an OpenID provider there is none to ask for."""
        realm = self._realms().get(realm_of(user))
        return realm is not None and realm.kind == "openid"
