"""Puts the parts of access together for one daemon; knows which part needs which, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from cluster.core.tree import AnyOperation
from cluster.node.access.callers import Callers
from cluster.node.access.confirmation import Confirmation
from cluster.node.access.directory import Directory
from cluster.node.access.enrolment import Enrolment
from cluster.node.access.keys import Keys
from cluster.node.access.openid import OpenId
from cluster.node.access.passwords import make_passwords
from cluster.node.access.realms import RealmPasswords
from cluster.node.access.rights import Rights
from cluster.node.access.rotation import Rotation
from cluster.node.access.second_factor import FactorCheck
from cluster.node.access.sessions import SessionBook
from cluster.node.access.sign_in import SignIn
from cluster.node.access.throttle import Throttle
from cluster.node.access.tickets import Ticket
from cluster.node.access.tokens import Tokens
from cluster.node.board_messages import SignInFailed, encode
from cluster.node.life import Life
from cluster.node.options import Options


class Access:
    """Attributes are its parts. `say` tells the other nodes something."""

    def __init__(self, options: Options, life: Life, keys: Keys, say: Callable[[bytes], None]) -> None:
        async def propose(operations: Sequence[AnyOperation], user: str, door: str) -> Any:
            return await life.driver.propose(operations, user=user, door=door)

        self._life, self._keys = life, keys
        self.directory = Directory(lambda: life.tree, propose)
        self.rights = Rights(self.directory.users, time.time)
        self.sessions = SessionBook(self.directory, options.name, time.time)
        self.rotation = Rotation(life, propose, lambda: life.replica.writable, time.time)
        self.throttle = Throttle(time.monotonic)
        self.realms = RealmPasswords(make_passwords(options.password_hash_file), self.directory)
        self.tokens = Tokens(self.directory, self.rights)
        self.callers = Callers(self.verify, self.tokens.check, self.rights, self._what_callers_depend_on, time.time)
        self.factors = FactorCheck(self.directory, lambda: life.tree, keys.tickets, time.time)
        self.openid = OpenId(self.directory, keys.tickets, keys.csrf, time.time)
        self.enrolment = Enrolment(keys.tickets, time.time)
        self.sign_in = SignIn(
            self.realms, self.factors, self.throttle, self.rights, self.verify, asyncio.sleep,
            lambda failed: say(encode(SignInFailed(failed))),
        )  # fmt: skip
        self.confirmation = Confirmation(self.sign_in, self.directory.realms)

    async def watch(self) -> None:
        """For ever."""
        await self.rotation.watch()

    def verify(self, text: str) -> Ticket:
        """Who a ticket is for, if the user may still sign in and has not ended the session. Raises Unauthenticated."""
        ticket = self._keys.tickets().verify(text, time.time())
        self.rights.demand_active(ticket.user)
        self.sessions.check(ticket)
        return ticket

    def _what_callers_depend_on(self) -> tuple[Any, ...]:
        directory = self.directory
        return self._keys.tickets(), directory.users(), directory.sessions(), directory.tokens()

    def hear_failure(self, node_id: int, keys: tuple[str, ...]) -> None:
        """A failed sign-in, told by a node; this node's own were counted when they happened."""
        if node_id != self._life.replica.node_id:
            self.throttle.heard(keys)
