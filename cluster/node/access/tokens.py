"""API tokens: who a token speaks for, and new values. Stored as hashes; a clear value is replaced at its first use.

Unknown, wrong, expired and disabled are one refusal.
"""

from __future__ import annotations

import asyncio
import logging
import uuid

from cluster.access.names import is_token
from cluster.errors import QuireError, Unauthenticated
from cluster.node.access import secret_hashes
from cluster.node.access.directory import Directory, Draft
from cluster.node.access.rights import Rights

REFUSED = "The API token is not valid."
LENGTH_MAX = 512
_NOBODYS = secret_hashes.of_token(str(uuid.uuid4()))

log = logging.getLogger(__name__)


def new_value() -> str:
    return str(uuid.uuid4())


class Tokens:
    """Checks tokens against the files of `directory`."""

    def __init__(self, directory: Directory, rights: Rights) -> None:
        self._directory, self._rights = directory, rights
        self._upgrading: set[asyncio.Task[None]] = set()

    def check(self, text: str) -> str:
        """`user@realm!name=value` (a blank may stand for the first `=`) → `user@realm!name`. Raises Unauthenticated."""
        auth_id, value = split(text)
        stored = self._directory.tokens().of.get(auth_id, _NOBODYS)
        right = secret_hashes.is_token(stored, value)
        if not right or not self._rights.is_active(auth_id):
            raise Unauthenticated(REFUSED)
        if secret_hashes.token_is_clear(stored):
            task = asyncio.get_running_loop().create_task(self._upgrade(auth_id, stored))
            self._upgrading.add(task)
            task.add_done_callback(self._upgrading.discard)
        return auth_id

    async def _upgrade(self, auth_id: str, clear: str) -> None:
        def edit(draft: Draft) -> None:
            if draft.tokens.of.get(auth_id) == clear:
                draft.tokens.of[auth_id] = secret_hashes.of_token(clear)

        try:
            await self._directory.change(edit, user=auth_id, door="node")
        except QuireError as error:
            log.info("A token's clear value stays until it can be replaced: %s", error.message)


def split(text: str) -> tuple[str, str]:
    """Raises Unauthenticated for what has not the form of a token."""
    if len(text) > LENGTH_MAX or not text.isascii() or not text.isprintable():
        raise Unauthenticated(REFUSED)
    ends = [place for place in (text.find("="), text.find(" ")) if place > 0]
    auth_id, value = (text[: min(ends)], text[min(ends) + 1 :]) if ends else ("", "")
    if not is_token(auth_id) or not value:
        raise Unauthenticated(REFUSED)
    return auth_id, value
