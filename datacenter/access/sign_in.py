"""What views see of signing in: who a request is from, and the cookie that holds the ticket.

The cookie has Proxmox VE's name, so that its clients' habits work; scripts in pages cannot read it, and other sites'
pages cannot make the browser send it. How the ticket is checked is `tickets.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from django.http import HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from cluster.secret import Secret

COOKIE = "PVEAuthCookie"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user whose ticket the daemon found good a moment ago, or a token `user@realm!name`, which has no ticket."""

    username: str
    ticket: Secret

    @property
    def is_token(self) -> bool:
        return not self.ticket


def local_path(text: str, default: str = "/") -> str:
    """`text` when it is a path on this site, else `default`: where to go after signing in is part of a link anyone
    can write."""
    is_path = text.startswith("/") and "\\" not in text and text.isprintable()
    return text if is_path and url_has_allowed_host_and_scheme(text, allowed_hosts=None) else default


def set_ticket(response: HttpResponse, ticket: Secret) -> None:
    """A session cookie: it goes when the browser closes, and its ticket ends by itself before that."""
    response.set_cookie(
        COOKIE, quote(ticket.reveal(), safe=""), secure=True, httponly=True, samesite="Strict", path="/"
    )


def clear_ticket(response: HttpResponse) -> None:
    response.set_cookie(COOKIE, "", max_age=0, secure=True, httponly=True, samesite="Strict", path="/")
