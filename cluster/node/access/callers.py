"""For whom a request is made: proved by the ticket or token that comes with it, never by the asking program's word.

The site is one process for all its users. It hands on what each of them showed; a request that names another user than
its ticket or token is for, or none, is refused. Root's own programs (`pvecm`) need no ticket, and what somebody may
(`HeldRights`) is told to any program that may ask. What the user may then do is `needs.py`. A credential once found
good is looked at again only when keys, users, sessions or tokens have changed.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from cluster.access.names import is_token
from cluster.control.access_requests import HeldRights
from cluster.control.requests import Request
from cluster.errors import Forbidden, Unauthenticated
from cluster.node.access.rights import Rights
from cluster.node.access.tickets import TICKET_LIFETIME_S, Ticket
from cluster.secret import Secret

KEPT_MAX = 1024
UNPROVED = "This is asked for a user whose ticket or token did not come with it."

Known = tuple[str, float]  # whose it is, until when (unix)


class Callers:
    """`state` gives the objects an answer depends on: as long as each is the same one, so is the answer."""

    def __init__(
        self,
        ticket: Callable[[str], Ticket],
        token: Callable[[str], str],
        rights: Rights,
        state: Callable[[], tuple[Any, ...]],
        now_s: Callable[[], float],
    ) -> None:
        self._ticket, self._token, self._rights, self._state, self._now_s = ticket, token, rights, state, now_s
        self._seen: tuple[Any, ...] = ()
        self._kept: OrderedDict[bytes, Known] = OrderedDict()

    def admit(self, request: Request, by: Secret, trusted: bool) -> None:
        """Raises Forbidden when the request is for somebody else, Unauthenticated when the credential is not good."""
        user = getattr(request, "user", None)
        if user is None or isinstance(request, HeldRights) or (trusted and not by):
            return
        if not by or self.who(by) != user:
            raise Forbidden(UNPROVED)

    def who(self, by: Secret) -> str:
        """The user of a ticket, or a token as `user@realm!name`. Raises Unauthenticated."""
        state = self._state()
        if len(state) != len(self._seen) or any(one is not other for one, other in zip(state, self._seen, strict=True)):
            self._seen = state
            self._kept.clear()
        key = hashlib.sha256(by.reveal().encode("utf-8", "surrogatepass")).digest()
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._look(by.reveal())
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        user, until_s = found
        if self._now_s() > until_s or not self._rights.is_active(user):
            del self._kept[key]
            raise Unauthenticated("The ticket has expired. Sign in again.")
        return user

    def _look(self, text: str) -> Known:
        if not text.startswith("PVE:") and is_token(text.partition("=")[0].partition(" ")[0]):
            return self._token(text), float("inf")
        ticket = self._ticket(text)
        return ticket.user, ticket.issued_s + TICKET_LIFETIME_S
