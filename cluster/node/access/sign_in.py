"""Signing in: a password, or a valid ticket given in its place, in exchange for knowing who is asking.

Every refusal is the same sentence, whatever the cause: an unknown user, a disabled one and a wrong password each cost
one check. This knows nothing of HTTP: the answer's fields are put together in `handlers/access.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cluster.access.names import ROOT, is_user
from cluster.errors import Unauthenticated
from cluster.node.access.passwords import Passwords
from cluster.node.access.rights import Rights
from cluster.node.access.throttle import Throttle
from cluster.node.access.tickets import TicketKeys

REFUSED = "The user name or the password is not right."


class SignIn:
    """One node's sign-in. `keys` gives the ticket keys of now: a join changes them. `tell_failure` is called with what
    the other nodes' throttles should hear."""

    def __init__(
        self,
        passwords: Passwords,
        throttle: Throttle,
        rights: Rights,
        keys: Callable[[], TicketKeys],
        now_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        tell_failure: Callable[[tuple[str, ...]], None],
    ) -> None:
        self._passwords, self._throttle, self._rights, self._keys = passwords, throttle, rights, keys
        self._now_s, self._sleep, self._tell_failure = now_s, sleep, tell_failure

    async def login(self, username: str, password: str, address: str = "") -> str:
        """The user who signed in. Raises Unauthenticated, Busy, Unavailable."""
        if password.startswith("PVE:") and self._ticket_speaks_for(username, password):
            return username
        await self.confirm(username, password, address)
        return username

    async def confirm(self, username: str, password: str, address: str = "") -> None:
        """Raises Unauthenticated unless this is the password of a user who may sign in; Busy, Unavailable."""
        user = username if is_user(username) else "nobody"
        wait_s = self._throttle.wait_s(user, address)
        if wait_s > 0:
            await self._sleep(wait_s)
        right = await self._passwords.check(user, password)
        if right and user == username and self._rights.is_active(user):
            self._throttle.succeeded(user, address)
            return
        self._tell_failure(self._throttle.failed(user, address))
        raise Unauthenticated(REFUSED)

    def _ticket_speaks_for(self, username: str, ticket: str) -> bool:
        """A user's own ticket renews itself; root@pam's may stand for any user."""
        try:
            holder = self._keys().verify(ticket, self._now_s()).user
        except Unauthenticated:
            return False
        return is_user(username) and holder in (username, ROOT) and self._rights.is_active(username)
