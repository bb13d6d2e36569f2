"""Requests about who is asking: sign-in, tickets, anti-forgery tokens, the session that survives a join."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.requests import CheckCsrf, CheckTicket, Login, RenewAfterJoin, Request, WebFiles
from cluster.errors import Unauthenticated
from cluster.node import first_start
from cluster.node.access import tickets

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    def issued(user: str) -> dict[str, Any]:
        now_s = time.time()
        answer: dict[str, Any] = {
            "username": user,
            "cap": node.access.rights.capabilities(user),
            "ticket": node.keys.tickets().issue(user, now_s),
            "CSRFPreventionToken": tickets.issue_csrf_token(node.keys.csrf(), user, now_s),
        }
        state = node.publisher.state
        told = state is not None and state.name and node.access.rights.may(user, "/", "Sys.Audit")
        return {**answer, "clustername": state.name} if told and state is not None else answer

    async def login(request: Login) -> Any:
        user = await node.access.sign_in.login(request.username, request.password, request.address)
        node.cluster_log.write(f"successful auth for user '{user}'", user=user, tag="web")
        return issued(user)

    async def check_ticket(request: CheckTicket) -> Any:
        ticket = node.keys.tickets().verify(request.ticket, time.time())
        node.access.rights.demand_active(ticket.user)
        return {"username": ticket.user, "issued_s": ticket.issued_s}

    async def check_csrf(request: CheckCsrf) -> Any:
        tickets.verify_csrf_token(node.keys.csrf(), request.token, request.username, time.time())

    async def renew(request: RenewAfterJoin) -> Any:
        user = node.former.user_of(request.ticket)
        node.access.rights.demand_active(user)
        return issued(user)

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
    }
