"""A signed-in browser's fresh ticket: from its present one, or, after this node joined a cluster, from its former one.

A full page always begins with a fresh ticket and the anti-forgery token that belongs to it. How tickets are made is the
daemon's business.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cluster.control.requests import Login, RenewAfterJoin
from cluster.errors import InvalidInput, QuireError
from datacenter import gateway
from datacenter.access import tickets
from datacenter.access.sign_in import SignedIn

CODE_NEEDED = "This user has a second factor: enter its code too."


class CodeNeeded(InvalidInput):
    """The password is right, and not enough."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a browser needs to go on. `csrf` travels in the page, the ticket in a cookie scripts cannot read."""

    username: str
    ticket: str = field(repr=False)
    csrf: str = field(repr=False)


async def from_password(username: str, password: str, address: str, code: str = "") -> Fresh:
    """`code` is a second factor's: an authenticator's digits, or a recovery code. Raises Unauthenticated, with one
    sentence for every cause, and `CodeNeeded`; Busy, Unavailable."""
    answer = await gateway.call(Login(username, password, address))
    if answer.get("NeedTFA"):
        if not code:
            raise CodeNeeded(CODE_NEEDED)
        kind = "totp" if code.isdecimal() else "recovery"
        answer = await gateway.call(Login(username, f"{kind}:{code}", address, answer["ticket"]))
    return _fresh(answer)


async def from_ticket(user: SignedIn) -> Fresh:
    """Raises Unauthenticated when the ticket has ended meanwhile."""
    return _fresh(await gateway.call(Login(username=user.username, password=user.ticket)))


async def after_join(ticket: str) -> Fresh | None:
    """For a ticket of the node's life before it joined; None when the daemon does not take it for one."""
    if not ticket:
        return None
    try:
        fresh = _fresh(await gateway.call(RenewAfterJoin(ticket=ticket)))
    except QuireError:
        return None
    tickets.forget_all()
    return fresh


def _fresh(result: dict[str, Any]) -> Fresh:
    return Fresh(result["username"], result["ticket"], result["CSRFPreventionToken"])
