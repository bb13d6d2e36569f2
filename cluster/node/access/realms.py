"""Checks a password in the realm of its user: the host's accounts, the hashes in the tree, or a directory server.

An answer is yes or no, never why. A user or a realm that does not exist costs what a wrong password costs. Whether the
user is enabled is looked at by `sign_in.py` after the check.
"""

from __future__ import annotations

import logging

from cluster.access.names import is_user, realm_of
from cluster.access.sections import Section
from cluster.errors import InvalidInput, QuireError
from cluster.node.access import ldap, secret_hashes
from cluster.node.access.directory import Directory, Draft
from cluster.node.access.passwords import HASHES_AT_ONCE, BoundedPool, Passwords, is_acceptable

LDAP_AT_ONCE = 4
PASSWORD_LENGTH_MIN = 8
PASSWORD_LENGTH_MAX = 64

log = logging.getLogger(__name__)


class RealmPasswords:
    """`host` checks the realm `pam`."""

    def __init__(self, host: Passwords, directory: Directory) -> None:
        self._host, self._directory = host, directory
        self._hashing = BoundedPool(HASHES_AT_ONCE)
        self._asking = BoundedPool(LDAP_AT_ONCE)

    async def check(self, user: str, password: str) -> bool:
        """Raises Busy, Unavailable."""
        realm = realm_of(user)
        if realm == "pam":
            return await self._host.check(user, password)
        section = self._directory.realms().get(realm)
        if section is not None and section.kind in ("ldap", "ad"):
            return await self._ask_server(section, user, password)
        return await self._compare(user, password)

    async def hashed(self, user: str, password: str) -> str:
        """What is stored for a new password. Raises InvalidInput, Busy."""
        if realm_of(user) != "pve":
            reason = "is kept by the realm of this user, not here"
            raise InvalidInput("The password cannot be set here.", fields={"password": reason})
        if not is_acceptable(password) or not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
            raise InvalidInput("The password does not do.", fields={"password": "must be 8 to 64 characters"})
        return await self._hashing.run(secret_hashes.new, password)

    async def _compare(self, user: str, password: str) -> bool:
        name = user.rpartition("@")[0]
        stored = self._directory.shadow().of.get(name) if realm_of(user) == "pve" else None
        if stored is None or not is_acceptable(password):
            await self._hashing.run(secret_hashes.is_right, secret_hashes.NOBODYS, "-")
            return False
        right = await self._hashing.run(secret_hashes.is_right, stored, password)
        if right and secret_hashes.is_old(stored):
            await self._upgrade(user, password, stored)
        return right

    async def _upgrade(self, user: str, password: str, old: str) -> None:
        """A node that cannot write now lets the user in all the same."""
        name, new = user.rpartition("@")[0], await self._hashing.run(secret_hashes.new, password)

        def edit(draft: Draft) -> None:
            if draft.shadow.of.get(name) == old:
                draft.shadow.of[name] = new

        try:
            await self._directory.change(edit, user=user, door="node")
        except QuireError as error:
            log.info("An old password hash stays until it can be replaced: %s", error.message)

    async def _ask_server(self, section: Section, user: str, password: str) -> bool:
        secret = self._directory.read(ldap.secret_path(section.name)) or b""
        if not is_acceptable(password) or not is_user(user) or user not in self._directory.users().users:
            return False
        name, settings = user.rpartition("@")[0], dict(section.properties)
        trusted = ldap.authorities_path(settings)
        authorities = self._directory.read(trusted) if trusted else None
        return await self._asking.run(ldap.is_right, settings, section.kind, secret, name, password, authorities)


def put_hash(draft: Draft, user: str, stored: str) -> None:
    draft.shadow.of[user.rpartition("@")[0]] = stored
