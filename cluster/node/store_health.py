"""Keeps this node's store well while it runs: the hourly scrub, the comparison with the others, and coming back.

Only ties `scrubbing.py`, `comparison.py` and `recovery.py` to the life of the store and the status group; each of them
says what it is for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from cluster.core.effects import Committed
from cluster.core.replica import Replica
from cluster.node.board import Board
from cluster.node.board_messages import Compared, Trouble
from cluster.node.comparison import Comparison
from cluster.node.life import Life
from cluster.node.recovery import Recovery
from cluster.node.scrubbing import Scrubbing

Said = Compared | Trouble


class StoreHealth:
    """`say` takes what the other nodes should know, `busy` tells whether a workflow has the store, `told` is called
    with what is wrong when that changes."""

    def __init__(
        self,
        life: Life,
        board: Board,
        scrub_every_s: float,
        busy: Callable[[], bool],
        say: Callable[[Said], None],
        told: Callable[[str], None],
    ) -> None:
        self._life = life
        self._replica: Replica | None = None
        self._was_writable = False
        self.recovery = Recovery(life, busy, told, time.monotonic)
        self.comparison = Comparison(
            lambda: life.replica.node_id, self._reached, self._electorate, say, self._later, self._differs
        )
        self.scrubbing = Scrubbing(life, scrub_every_s, time.time, time.monotonic, asyncio.sleep, self.comparison.ask)
        board.compared = self.comparison.hear

    @property
    def trouble(self) -> str:
        return self.recovery.trouble

    async def watch(self) -> None:
        """For ever."""
        await asyncio.gather(self.recovery.watch(), self.scrubbing.watch())

    def committed(self, changes: tuple[Committed, ...], whole: bool) -> None:
        if whole or self._life.replica is not self._replica:
            self._begin()
        else:
            for one in changes:
                self.comparison.digests.add(one)

    def phase_changed(self) -> bool:
        """Who has just come to write with others compares with them. Returns whether this node may write since now, or
        may no longer."""
        if self._life.replica is not self._replica:
            self._begin()
        writable, before = self._life.replica.writable, self._was_writable
        self._was_writable = writable
        if writable and not before and self._life.clustered:
            self.comparison.ask()
        return writable != before

    def _begin(self) -> None:
        self._replica = self._life.replica
        self.comparison.digests.begin(self._replica.machine.tree, self._replica.machine.log.commit.index)

    def _reached(self) -> int:
        life = self._life
        if not life.is_open or not life.replica.writable or life.replica.blank:
            return -1
        return life.replica.machine.log.commit.index

    def _electorate(self) -> Mapping[int, int]:
        return self._life.replica.machine.electorate

    def _later(self, delay_s: float, call: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(delay_s, call)

    def _differs(self, sentence: str, alone: bool) -> None:
        if alone:
            self._life.fail(sentence, damaged=True)
        else:
            self.recovery.stop_for_good(sentence)
