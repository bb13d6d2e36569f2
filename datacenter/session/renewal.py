"""A signed-in browser's fresh ticket: from its present one, or, after this node joined a cluster, from its former one.

A full page always begins with a fresh ticket and the anti-forgery token that belongs to it. How tickets are made is the
daemon's business.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from cluster.control.requests import Login, RenewAfterJoin
from cluster.errors import QuireError
from cluster.secret import Secret
from datacenter import gateway
from datacenter.access import cookie, tickets
from datacenter.access.sign_in import SignedIn


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a browser needs to go on. `csrf` travels in the page, the ticket in a cookie scripts cannot read."""

    username: str
    ticket: Secret
    csrf: Secret


@dataclass(frozen=True, slots=True)
class Half:
    """The password was right, and a second factor is due: within five minutes, for this user alone."""

    username: str
    ticket: str = field(repr=False)

    @property
    def asked(self) -> dict[str, Any]:
        """The kinds there are: `totp` and `recovery` if true, `webauthn` with what the browser is asked."""
        try:
            said = json.loads(unquote(self.ticket.split(":")[1].removeprefix("!tfa!")))
        except (ValueError, IndexError):
            return {}
        return said if isinstance(said, dict) else {}


async def from_password(username: str, password: str, address: str) -> Fresh | Half:
    """Raises Unauthenticated, with one sentence for every cause; Busy, Unavailable."""
    answer = await gateway.call(Login(username, Secret(password), address), gateway.PASSWORD_TIMEOUT_S)
    return Half(answer["username"], answer["ticket"]) if answer.get("NeedTFA") else _fresh(answer)


async def from_second_factor(half: Half, code: str, key_s_answer: str, address: str) -> Fresh:
    """`code` is an authenticator's digits, or a recovery code. Raises as `from_password`."""
    kind = "webauthn" if key_s_answer else "totp" if code.isdecimal() else "recovery"
    told = f"{kind}:{key_s_answer or code}"
    login = Login(half.username, Secret(told), address, Secret(half.ticket))
    return _fresh(await gateway.call(login, gateway.PASSWORD_TIMEOUT_S))


async def from_ticket(user: SignedIn) -> Fresh:
    """Raises Unauthenticated when the ticket has ended meanwhile."""
    return _fresh(await gateway.call(Login(username=user.username, password=user.ticket)))


async def after_join(cookies: Mapping[str, str]) -> Fresh | None:
    """For a ticket of the node's life before it joined; None when the daemon takes none of the browser's for one."""
    for ticket in cookie.all_of(cookies):
        try:
            fresh = _fresh(await gateway.call(RenewAfterJoin(ticket=ticket)))
        except QuireError:
            continue
        tickets.forget_all()
        return fresh
    return None


def _fresh(result: dict[str, Any]) -> Fresh:
    return Fresh(result["username"], Secret(result["ticket"]), Secret(result["CSRFPreventionToken"]))
