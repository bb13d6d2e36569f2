"""Requests about who is asking: sign-in, tickets, anti-forgery tokens, the session that survives a join."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.requests import CheckCsrf, CheckTicket, Login, RenewAfterJoin, Request, WebFiles
from cluster.errors import Unauthenticated
from cluster.node import access, first_start

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    def issued(user: str) -> dict[str, str]:
        now_s = time.time()
        answer = {
            "username": user,
            "ticket": node.keys.tickets().issue(user, now_s),
            "CSRFPreventionToken": access.issue_csrf_token(node.keys.csrf(), user, now_s),
        }
        state = node.publisher.state
        return {**answer, "clustername": state.name} if state is not None and state.name else answer

    async def login(request: Login) -> Any:
        user = await node.sign_in.login(request.username, request.password, request.address)
        node.cluster_log.write(f"successful auth for user '{user}'", user=user, tag="web")
        return issued(user)

    async def check_ticket(request: CheckTicket) -> Any:
        ticket = node.keys.tickets().verify(request.ticket, time.time())
        return {"username": ticket.user, "issued_s": ticket.issued_s}

    async def check_csrf(request: CheckCsrf) -> Any:
        access.verify_csrf_token(node.keys.csrf(), request.token, request.username, time.time())

    async def renew(request: RenewAfterJoin) -> Any:
        return issued(node.former.user_of(request.ticket))

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
