"""Signing in: a password, or a valid ticket given in its place, in exchange for knowing who is asking.

Every refusal is the same sentence, whatever the cause. This knows nothing of HTTP: the answer's fields are put together
in `handlers.py` from `access.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from cluster.access.names import is_user
from cluster.errors import Unauthenticated
from cluster.node.access import TicketKeys
from cluster.node.passwords import Passwords
from cluster.node.throttle import Throttle

REFUSED = "The user name or the password is not right."


class SignIn:
    """One node's sign-in. `keys` gives the ticket keys of now: a join changes them."""

    def __init__(
        self,
        passwords: Passwords,
        throttle: Throttle,
        keys: Callable[[], TicketKeys],
        now_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._passwords, self._throttle, self._keys = passwords, throttle, keys
        self._now_s, self._sleep = now_s, sleep

    async def login(self, username: str, password: str, address: str = "") -> str:
        """The user who signed in. Raises Unauthenticated, Busy, Unavailable."""
        if password.startswith("PVE:") and self._ticket_speaks_for(username, password):
            return username
        user = username if is_user(username) else "nobody"
        wait_s = self._throttle.wait_s(user, address)
        if wait_s > 0:
            await self._sleep(wait_s)
        if await self._passwords.check(user, password) and user == username:
            self._throttle.succeeded(user, address)
            return user
        self._throttle.failed(user, address)
        raise Unauthenticated(REFUSED)

    def _ticket_speaks_for(self, username: str, ticket: str) -> bool:
        """A user's own ticket renews itself; root@pam's may stand for any user."""
        try:
            holder = self._keys().verify(ticket, self._now_s()).user
        except Unauthenticated:
            return False
        return is_user(username) and holder in (username, "root@pam")
