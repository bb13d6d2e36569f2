"""Who waits to read at this node: for the newest state, or for a state this node has not reached yet.

A *point* is how far a node's committed state reaches, as text that a session carries from one request to the next,
perhaps to another node: eight characters of the store's identity, then epoch and index. A point of another store, from
before the node joined a cluster say, binds nobody. What makes a state the newest is `cluster/core/reading.py`.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable

from cluster.core.effects import ReadReady, ReadRefused
from cluster.core.events import Event, ReadAsked, ReadGivenUp
from cluster.core.replica import Replica
from cluster.errors import Busy, NoQuorum, Unavailable

BARRIER_TIMEOUT_S = 5.0
POINT = re.compile(r"([0-9a-f]{1,8})-([0-9]{1,19})\.([0-9]{1,19})")


class Readers:
    """The driver hands it what the replica says of readers, and tells it when more is committed."""

    def __init__(self, replica: Replica, feed: Callable[[Event], None]) -> None:
        self._replica, self._feed = replica, feed
        self._asked: dict[str, asyncio.Future[ReadRefused | None]] = {}
        self._behind: dict[asyncio.Future[None], int] = {}

    # --- what the driver tells ----------------------------------------------------------------------------------------

    def hear(self, effect: ReadReady | ReadRefused) -> None:
        for read_id in effect.read_ids:
            waiting = self._asked.get(read_id)
            if waiting is not None and not waiting.done():
                waiting.set_result(effect if isinstance(effect, ReadRefused) else None)

    def committed(self) -> None:
        for waiting, index in list(self._behind.items()):
            if index <= self._reached and not waiting.done():
                waiting.set_result(None)

    def close(self) -> None:
        """The store changes hands: whoever waits asks the next one."""
        for read_id in self._asked:
            self.hear(ReadRefused((read_id,), "unavailable", "The store changed hands; ask again."))

    # --- waiting ------------------------------------------------------------------------------------------------------

    async def barrier(self, timeout_s: float) -> None:
        """See `Driver.barrier`."""
        read_id = uuid.uuid4().hex
        waiting = self._asked[read_id] = asyncio.get_running_loop().create_future()
        self._feed(ReadAsked(read_id))
        try:
            async with asyncio.timeout(timeout_s):
                refused = await waiting
        except TimeoutError:
            sentence = f"A majority has not confirmed within {timeout_s:g} s what the newest state is."
            raise Unavailable(sentence) from None
        finally:
            del self._asked[read_id]
            if not waiting.done() or waiting.cancelled():
                self._feed(ReadGivenUp(read_id))
        if refused is not None:
            raise refusal_of(refused)

    async def until_reached(self, point: str, timeout_s: float) -> None:
        """Wait until this node has committed as far as `point`. Raises `Unavailable` when that takes too long."""
        index = self._index_of(point)
        if index <= self._reached:
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._behind[waiting] = index
        try:
            async with asyncio.timeout(timeout_s):
                await waiting
        except TimeoutError:
            raise Unavailable(
                "This node has not caught up yet with what this session has seen. Ask again in a second, or ask"
                " another node."
            ) from None
        finally:
            del self._behind[waiting]

    def point(self) -> str:
        """How far this node's committed state reaches."""
        commit = self._replica.machine.log.commit
        return f"{self._name}-{commit.epoch}.{commit.index}"

    @property
    def _reached(self) -> int:
        return self._replica.machine.log.commit.index

    @property
    def _name(self) -> str:
        return self._replica.uuid[:8] or "0"

    def _index_of(self, point: str) -> int:
        """0 for what is no point of this store."""
        found = POINT.fullmatch(point)
        return int(found[3]) if found is not None and found[1] == self._name else 0


def refusal_of(refused: ReadRefused) -> Exception:
    return {"no-quorum": NoQuorum, "busy": Busy}.get(refused.code, Unavailable)(refused.message)
