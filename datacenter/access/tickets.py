"""Reads the ticket or API token a request or a socket carries, and asks the daemon whether it is good.

Answers are kept for at most two seconds, so that a page with ten parts asks once and a signed-out or removed user is
refused everywhere within that time. Kept by a hash: no ticket lies in this memory. Bad tickets are not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from urllib.parse import unquote

from cluster.control.access_requests import CheckToken
from cluster.control.requests import CheckCsrf, CheckTicket
from cluster.errors import Unauthenticated
from cluster.secret import Secret
from datacenter import gateway
from datacenter.access import cookie, masks, rights
from datacenter.access.cookie import TICKET_LENGTH_MAX
from datacenter.access.sign_in import SignedIn

KEPT_SECONDS_MAX = 2.0
KEPT_MAX = 512
COOKIE = "PVEAuthCookie"  # of programs that use the API; a browser's own is `cookie.py`
AUTHORIZATION_PREFIX = COOKIE + "="
TOKEN_PREFIXES = ("PVEAPIToken=", "PVEAPIToken ")


class Kept:
    """Names that were found good a moment ago, by the hash of what was checked."""

    def __init__(self) -> None:
        self._names: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    def get(self, key: bytes) -> str | None:
        found = self._names.get(key)
        if found is None:
            return None
        until, name = found
        if asyncio.get_running_loop().time() > until:
            del self._names[key]
            return None
        return name

    def put(self, key: bytes, name: str) -> None:
        self._names[key] = (asyncio.get_running_loop().time() + KEPT_SECONDS_MAX, name)
        self._names.move_to_end(key)
        while len(self._names) > KEPT_MAX:
            self._names.popitem(last=False)

    def forget(self, key: bytes) -> None:
        self._names.pop(key, None)

    def clear(self) -> None:
        self._names.clear()


_tickets = Kept()
_csrf_tokens = Kept()


def read_ticket(cookies: Mapping[str, str], authorization: str = "") -> Secret:
    """The ticket of a program of the API, in its cookie, else in its Authorization header; an empty one for none."""
    sent = cookies.get(COOKIE, "")
    if not sent and authorization.startswith(AUTHORIZATION_PREFIX):
        sent = authorization.removeprefix(AUTHORIZATION_PREFIX)
    return cookie.ticket_in(sent)


def read_token(authorization: str) -> Secret | None:
    """The API token in an Authorization header; None when it names none. What is no token is refused by the daemon."""
    if not authorization.startswith(TOKEN_PREFIXES):
        return None
    sent = authorization[len(TOKEN_PREFIXES[0]) :]
    return Secret(unquote(sent) if len(sent) <= TICKET_LENGTH_MAX and sent.isascii() else "")


async def by_token(token: Secret) -> SignedIn:
    """Whose token it is, as `user@realm!name`. Raises as `signed_in`."""
    key = _key("token " + token.reveal())
    username = _tickets.get(key)
    if username is None:
        username = (await gateway.call(CheckToken(token=token)))["username"]
        _tickets.put(key, username)
    return SignedIn(username, Secret())


async def signed_in(ticket: Secret) -> SignedIn:
    """Who the ticket is for. Raises Unauthenticated; other errors when the daemon does not answer."""
    if not ticket:
        raise Unauthenticated("no ticket was sent")
    key = _key(ticket.reveal())
    username = _tickets.get(key)
    if username is None:
        username = (await gateway.call(CheckTicket(ticket=ticket)))["username"]
        _tickets.put(key, username)
    return SignedIn(username, ticket)


async def check_csrf(token: str, username: str) -> None:
    """Raises Unauthenticated unless the token was made for this user."""
    if not token or len(token) > TICKET_LENGTH_MAX:
        raise Unauthenticated("no anti-forgery token was sent")
    token = masks.uncovered(token)
    key = _key(username + "\0" + token)
    if _csrf_tokens.get(key) is None:
        await gateway.call(CheckCsrf(token=Secret(token), username=username))
        _csrf_tokens.put(key, username)


def forget(ticket: Secret) -> None:
    """On sign-out: the next request with this ticket is asked about anew."""
    _tickets.forget(_key(ticket.reveal()))


def forget_all() -> None:
    """After a join, when the cluster's keys replace the node's own."""
    cookie.forget()
    rights.forget_all()
    _tickets.clear()
    _csrf_tokens.clear()


def _key(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
