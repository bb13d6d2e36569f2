"""Signing in: a password, or a valid ticket given in its place, in exchange for knowing who is asking.

Every refusal is the same sentence, whatever the cause: an unknown user, a disabled one and a wrong password each cost
one check. Whoever has a second factor gets half a ticket first (`second_factor.py`). This knows nothing of HTTP: the
answer's fields are put together in `handlers/access.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from cluster.access.names import ROOT, is_user
from cluster.errors import Unauthenticated
from cluster.node.access.passwords import Passwords
from cluster.node.access.rights import Rights
from cluster.node.access.throttle import Throttle
from cluster.node.access.tickets import Ticket

REFUSED = "The user name or the password is not right."


class Factors(Protocol):
    """`second_factor.FactorCheck`."""

    async def check(self, user: str, half: str, answer: str) -> None: ...


class SignIn:
    """One node's sign-in. `verify` looks at a whole ticket. `tell_failure` is called with what the other nodes'
    throttles should hear."""

    def __init__(
        self,
        passwords: Passwords,
        factors: Factors,
        throttle: Throttle,
        rights: Rights,
        verify: Callable[[str], Ticket],
        sleep: Callable[[float], Awaitable[None]],
        tell_failure: Callable[[tuple[str, ...]], None],
    ) -> None:
        self._passwords, self._factors, self._throttle, self._rights = passwords, factors, throttle, rights
        self._verify, self._sleep, self._tell_failure = verify, sleep, tell_failure

    async def login(self, username: str, password: str, address: str = "") -> Ticket | None:
        """Signs `username` in; → the ticket that was given in the password's place, if one was. Raises Unauthenticated,
        Busy, Unavailable."""
        ticket = self._ticket_for(username, password) if password.startswith("PVE:") else None
        if ticket is None:
            await self.confirm(username, password, address)
        return ticket

    async def confirm(self, username: str, password: str, address: str = "") -> None:
        """Raises Unauthenticated unless this is the password of a user who may sign in; Busy, Unavailable."""
        user = username if is_user(username) else "nobody"
        await self._turn(user, address)
        right = await self._passwords.check(user, password)
        if not right or user != username or not self._rights.is_active(user):
            self._failed(user, address)
            raise Unauthenticated(REFUSED)
        self._throttle.succeeded(user, address)

    async def finish(self, username: str, half: str, answer: str, address: str = "") -> None:
        """The second step, after half a ticket. Raises Unauthenticated, Busy, and what a change of the tree raises."""
        user = username if is_user(username) else "nobody"
        await self._turn(user, address)
        try:
            await self._factors.check(user, half, answer)
            if not self._rights.is_active(user):
                raise Unauthenticated(REFUSED)
        except Unauthenticated:
            self._failed(user, address)
            raise
        self._throttle.succeeded(user, address)

    async def _turn(self, user: str, address: str) -> None:
        wait_s = self._throttle.wait_s(user, address)
        if wait_s > 0:
            await self._sleep(wait_s)

    def _failed(self, user: str, address: str) -> None:
        self._tell_failure(self._throttle.failed(user, address))

    def _ticket_for(self, username: str, text: str) -> Ticket | None:
        """A user's own ticket renews itself; root@pam's may stand for any user."""
        try:
            ticket = self._verify(text)
        except Unauthenticated:
            return None
        speaks = ticket.user in (username, ROOT) and is_user(username) and self._rights.is_active(username)
        return ticket if speaks else None
