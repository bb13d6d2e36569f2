"""Puts the parts of access together for one daemon; knows which part needs which, and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from cluster.core.tree import AnyOperation
from cluster.node.access.directory import Directory
from cluster.node.access.keys import Keys
from cluster.node.access.passwords import Passwords
from cluster.node.access.realms import RealmPasswords
from cluster.node.access.rights import Rights
from cluster.node.access.sign_in import SignIn
from cluster.node.access.throttle import Throttle
from cluster.node.access.tokens import Tokens
from cluster.node.life import Life


class Access:
    """Attributes are its parts. `tell_failure` makes a failed sign-in known to the other nodes."""

    def __init__(
        self, life: Life, keys: Keys, host_passwords: Passwords, tell_failure: Callable[[tuple[str, ...]], None]
    ) -> None:
        async def propose(operations: Sequence[AnyOperation], user: str, door: str) -> Any:
            return await life.driver.propose(operations, user=user, door=door)

        self._life = life
        self.directory = Directory(lambda: life.tree, propose)
        self.rights = Rights(self.directory.users, time.time)
        self.throttle = Throttle(time.monotonic)
        self.realms = RealmPasswords(host_passwords, self.directory)
        self.tokens = Tokens(self.directory, self.rights)
        self.sign_in = SignIn(
            self.realms, self.throttle, self.rights, keys.tickets, time.time, asyncio.sleep, tell_failure
        )

    def hear_failure(self, node_id: int, keys: tuple[str, ...]) -> None:
        """A failed sign-in, told by a node; this node's own were counted when they happened."""
        if node_id != self._life.replica.node_id:
            self.throttle.heard(keys)
