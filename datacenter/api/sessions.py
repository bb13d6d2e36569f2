"""/access/sessions: who is signed in from where, and ending it. Quire's own; other clients do not know it."""

from __future__ import annotations

from cluster.control import access_requests as ask
from datacenter.api.asks import asks
from datacenter.api.endpoint import Endpoint, Parameters, Row
from datacenter.api.permission import Within
from datacenter.api.types import FactorId, Flag, TicketOrPassword, UserId
from datacenter.api.users import confirmation

MAY = Within("The user itself, or User.Modify on /access/groups or on a group the user is in. No API token.")


class Whose(Parameters, kw_only=True):
    userid: UserId | None = None


class EndedAll(Whose, kw_only=True):
    confirmation_password: TicketOrPassword | None = confirmation()


class OneSession(Parameters, kw_only=True):
    id: FactorId


class SessionRow(Row, kw_only=True):
    id: str
    user: str
    started: int
    address: str
    node: str
    issued: int
    current: Flag


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "GET", "/access/sessions", "A user's sessions, newest first.", asks(ask.SessionList), MAY, Whose,
        list[SessionRow],
    ),
    Endpoint("DELETE", "/access/sessions", "End all sessions of a user.", asks(ask.SessionEndAll), MAY, EndedAll),
    Endpoint("DELETE", "/access/sessions/{id}", "End a session.", asks(ask.SessionEnd), MAY, OneSession),
)  # fmt: skip
