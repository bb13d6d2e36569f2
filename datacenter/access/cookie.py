"""The browser's own cookie, which holds the ticket: where it is found, and how it is set and taken back.

Its name begins with `__Host-`, so that no other host, subdomain or plain HTTP can set it, and ends with the mark of
the cluster whose keys sign its tickets, so that two clusters behind one host name keep apart what is theirs. Programs
of the API send `PVEAuthCookie`, as they do everywhere (`tickets.py`); pages and sockets do not take that one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import quote, unquote

from django.http import HttpResponse

from cluster.control.requests import ClusterMark
from cluster.secret import Secret
from datacenter import gateway

PREFIX = "__Host-Quire-"
TICKET_LENGTH_MAX = 4096
OTHERS_MAX = 4
KEPT_SECONDS_MAX = 2.0

_kept: tuple[float, str] | None = None


async def name() -> str:
    """What the cookie is called now. Raises what the daemon's silence raises."""
    if _kept is not None and asyncio.get_running_loop().time() <= _kept[0]:
        return _kept[1]
    return await _name_now()


def forget() -> None:
    """The next question is asked of the daemon: a join gives the node another cluster's keys."""
    global _kept
    _kept = None


async def read(cookies: Mapping[str, str]) -> Secret:
    """The ticket for this cluster; an empty one when there is none. A browser without any asks the daemon nothing."""
    if not any(each.startswith(PREFIX) for each in cookies):
        return Secret()
    return ticket_in(cookies.get(await name(), ""))


def all_of(cookies: Mapping[str, str]) -> list[Secret]:
    """Every ticket this browser holds on this host, a few at most: one may be of the node's life before a join."""
    found = [ticket_in(value) for each, value in cookies.items() if each.startswith(PREFIX)]
    return [ticket for ticket in found if ticket][-OTHERS_MAX:]


async def put(response: HttpResponse, ticket: Secret) -> None:
    """A session cookie: it goes when the browser closes, and its ticket ends by itself before that."""
    value = quote(ticket.reveal(), safe="")
    response.set_cookie(await _name_now(), value, secure=True, httponly=True, samesite="Strict", path="/")


async def take_back(response: HttpResponse) -> None:
    response.set_cookie(await name(), "", max_age=0, secure=True, httponly=True, samesite="Strict", path="/")


def ticket_in(sent: str) -> Secret:
    """As browsers and programs send a ticket, percent-encoded; an empty one for what can be none."""
    if len(sent) > TICKET_LENGTH_MAX or not sent.isascii():
        return Secret()
    ticket = unquote(sent)
    return Secret(ticket if ticket.isascii() and ticket.isprintable() else "")


async def _name_now() -> str:
    global _kept
    told = await gateway.call(ClusterMark())
    _kept = (asyncio.get_running_loop().time() + KEPT_SECONDS_MAX, PREFIX + told["mark"])
    return _kept[1]
