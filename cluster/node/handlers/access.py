"""Requests about who is asking: sign-in, tickets, anti-forgery tokens, the session that survives a join."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from cluster.control.access_requests import SessionEnd, SessionEndAll, SessionList, SignOut
from cluster.control.conversation import Handler
from cluster.control.requests import CheckCsrf, CheckTicket, ClusterMark, Login, RenewAfterJoin, Request, WebFiles
from cluster.errors import Unauthenticated, Unavailable
from cluster.node import first_start
from cluster.node.access import needs, tickets
from cluster.node.access.sign_in import REFUSED
from cluster.node.access.tickets import Ticket
from cluster.node.handlers.users import CONFIRMATION

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


MARK_DIGITS = 16
SAME_TICKET_S = 900  # a ticket younger than this is not replaced: pages ask for a fresh one each time they load


def answer_with(node: Daemon, user: str, ticket: str) -> dict[str, Any]:
    """What whoever signed in is told."""
    answer: dict[str, Any] = {
        "username": user,
        "cap": node.access.rights.capabilities(user),
        "ticket": ticket,
        "CSRFPreventionToken": tickets.issue_csrf_token(node.keys.csrf(), user, time.time()),
    }
    state = node.publisher.state
    told = state is not None and state.name and node.access.rights.may(user, "/", "Sys.Audit")
    return {**answer, "clustername": state.name} if told and state is not None else answer


def issue(node: Daemon, user: str, address: str) -> dict[str, Any]:
    """A ticket for a session that begins now."""
    at_s = node.access.sessions.issue_at_s(user)
    node.access.sessions.begun(user, at_s, address)
    return answer_with(node, user, node.keys.tickets().issue(user, at_s))


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    def verified(user: str, is_proved: bool) -> dict[str, Any]:
        if not is_proved and node.access.factors.challenge(user):
            raise Unauthenticated(REFUSED)
        return {"username": user, "cap": node.access.rights.capabilities(user)}

    def renewed(given: Ticket, text: str) -> str:
        if time.time() - given.issued_s < SAME_TICKET_S:
            return text
        at_s = node.access.sessions.issue_at_s(given.user)
        node.access.sessions.renewed(given.user, given.issued_s, at_s)
        return node.keys.tickets().issue(given.user, at_s)

    async def login(request: Login) -> Any:
        user, password = request.username, request.password.reveal()
        if request.ticket:
            await node.access.sign_in.finish(user, request.ticket.reveal(), password, request.address)
            if request.verify:
                return verified(user, True)
        else:
            given = await node.access.sign_in.login(user, password, request.address)
            if request.verify:
                return verified(user, given is not None)
            if given is not None and given.user == user:
                return answer_with(node, user, renewed(given, password))
            half = node.access.factors.challenge(user) if given is None else ""
            if half:
                token = tickets.issue_csrf_token(node.keys.csrf(), user, time.time())
                return {"username": user, "ticket": half, "CSRFPreventionToken": token, "NeedTFA": 1}
        node.cluster_log.write(f"successful auth for user '{user}'", user=user, tag="web")
        return issue(node, user, request.address)

    async def check_ticket(request: CheckTicket) -> Any:
        ticket = node.access.verify(request.ticket.reveal())
        return {"username": ticket.user, "issued_s": ticket.issued_s}

    async def check_csrf(request: CheckCsrf) -> Any:
        tickets.verify_csrf_token(node.keys.csrf(), request.token.reveal(), request.username, time.time())

    async def renew(request: RenewAfterJoin) -> Any:
        user = node.former.user_of(request.ticket.reveal())
        node.access.rights.demand_active(user)
        return issue(node, user, "")

    async def sign_out(request: SignOut) -> Any:
        await node.access.sessions.end_ticket(node.access.verify(request.ticket.reveal()))

    async def sessions(request: SessionList) -> Any:
        own = node.access.verify(request.ticket.reveal()) if request.ticket else None
        return node.access.sessions.listing(request.userid or request.user, own)

    async def end_session(request: SessionEnd) -> Any:
        if node.access.sessions.user_of(request.id) != request.user:
            needs.over_user(node.access.rights, request.user, node.access.sessions.user_of(request.id), "User.Modify")
        await node.access.sessions.end(request.id, request.user)

    async def end_sessions(request: SessionEndAll) -> Any:
        await node.access.confirmation.in_browser(request, request.confirmation_password, CONFIRMATION)
        await node.access.sessions.end_all(request.userid or request.user, request.user)

    async def cluster_mark(request: ClusterMark) -> Any:
        authority = node.life.tree.read(first_start.AUTHORITY)
        if authority is None:
            raise Unavailable("The store has no keys yet. Try again in a moment.")
        return {"mark": hashlib.sha256(authority).hexdigest()[:MARK_DIGITS]}

    async def web_files(request: WebFiles) -> Any:
        if node.life.tree.read(first_start.TICKET_KEY) is None:
            raise Unauthenticated("The store has no keys yet.")
        served = node.served
        return {"certificate": str(served.certificate), "key": str(served.key), "secret_key": ""}

    return {
        Login: login,
        CheckTicket: check_ticket,
        CheckCsrf: check_csrf,
        RenewAfterJoin: renew,
        WebFiles: web_files,
        ClusterMark: cluster_mark,
        SignOut: sign_out,
        SessionList: sessions,
        SessionEnd: end_session,
        SessionEndAll: end_sessions,
    }
