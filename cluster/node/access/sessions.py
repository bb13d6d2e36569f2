"""Sessions of people on a running node: told when they begin and go on, ended one by one or all at once, on every node.

What begins or goes on is written together with what else did so in the same second, and not at all where the node
cannot write; what is ended is written before it is answered. What the file says is `cluster/access/sessions.py`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from cluster.access.names import ROOT, split_token
from cluster.access.sessions import Sessions
from cluster.errors import NotFound, QuireError, Unauthenticated
from cluster.node.access.directory import Directory, Draft
from cluster.node.access.tickets import CLOCK_SKEW_S, TICKET_LIFETIME_S, Ticket

TOGETHER_S = 1.0
WAITING_MAX = 256
AHEAD_S_MAX = 60
MARGIN_S = 2
ENDED = "This session has been ended. Sign in again."

log = logging.getLogger(__name__)

Edit = Callable[[Sessions], None]


class SessionBook:
    """`node` is this node's name."""

    def __init__(self, directory: Directory, node: str, now_s: Callable[[], float]) -> None:
        self._directory, self._node, self._now_s = directory, node, now_s
        self._waiting: list[Edit] = []
        self._given: deque[tuple[str, int]] = deque(maxlen=WAITING_MAX)
        self._writing: asyncio.Task[None] | None = None

    def check(self, ticket: Ticket) -> None:
        """Raises Unauthenticated when the ticket's session was ended."""
        if self._directory.sessions().is_ended(ticket.user, ticket.issued_s):
            raise Unauthenticated(ENDED)

    def issue_at_s(self, user: str) -> int:
        """When a ticket given now is to say it was issued: not in a second that was ended, nor in that of another
        ticket of this user, for tickets are told apart by it."""
        sessions, now_s = self._directory.sessions(), int(self._now_s())
        at_s = now_s
        while sessions.is_ended(user, at_s) or ((user, at_s) in self._given and at_s < now_s + AHEAD_S_MAX):
            at_s += 1
        self._given.append((user, at_s))
        return at_s

    def begun(self, user: str, issued_s: int, address: str) -> None:
        session_id = secrets.token_hex(8)
        self._later(lambda sessions: sessions.begin(session_id, user, issued_s, address, self._node))

    def renewed(self, user: str, former_s: int, issued_s: int) -> None:
        self._later(lambda sessions: sessions.renew(user, former_s, issued_s))

    def listing(self, user: str | None, own: Ticket | None = None) -> list[dict[str, Any]]:
        """Newest first; `current` tells the asking one."""
        sessions = self._directory.sessions()
        current = sessions.find(own.user, own.issued_s) if own is not None else None
        found = [
            {"id": each, **one, "current": int(each == current)}
            for each, one in sessions.of.items()
            if user is None or one["user"] == user
        ]
        return sorted(found, key=lambda one: -int(one["started"]))

    def user_of(self, session_id: str) -> str:
        """Raises NotFound."""
        found = self._directory.sessions().of.get(session_id)
        if found is None:
            raise NotFound("There is no such session, or it has ended.")
        return str(found["user"])

    async def end(self, session_id: str, by: str) -> None:
        """Raises NotFound and what a change raises."""

        def edit(draft: Draft) -> None:
            if not draft.sessions.end(session_id):
                raise NotFound("There is no such session, or it has ended.")

        await self._directory.change(edit, user=by)

    async def end_ticket(self, ticket: Ticket) -> None:
        await self._directory.change(
            lambda draft: draft.sessions.end_ticket(ticket.user, ticket.issued_s), user=ticket.user
        )

    async def end_all(self, user: str, by: str) -> None:
        await self._directory.change(lambda draft: self.end_in(draft, user), user=by)

    def end_in(self, draft: Draft, user: str) -> None:
        """As part of a change that has more to it: a new password, a user removed.

        Tickets may say that they were issued a little later than they were, by this node or another: those end too."""
        name = split_token(user)[0]
        given = [at_s for each, at_s in self._given if each == name]
        listed = [one["issued"] for one in draft.sessions.of.values() if one["user"] == name]
        draft.sessions.end_all(name, max([int(self._now_s()) + MARGIN_S, *given, *listed]))

    # --- writing together ---------------------------------------------------------------------------------------------

    def _later(self, edit: Edit) -> None:
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(edit)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(TOGETHER_S)
            edits, self._waiting = self._waiting, []
            try:
                await self._directory.change(partial(self._apply, edits), user=ROOT, door="node")
            except QuireError as error:
                log.info("Sessions are not listed for now: %s", error.message)

    def _apply(self, edits: list[Edit], draft: Draft) -> None:
        draft.sessions.prune(int(self._now_s()) - TICKET_LIFETIME_S - CLOCK_SKEW_S)
        for edit in edits:
            edit(draft.sessions)

    async def close(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
