"""Reads this host every two seconds, on the beat (`beat.py`), and says so to the status group.

What is read is `samplers.py`; how counters become rates is `rates.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from cluster.model import Sample
from cluster.node.beat import BEAT_S, until_beat_s
from cluster.node.board_messages import Sampled
from cluster.node.rates import Readings


class Sampling:
    """`recorded` is the number of this node's newest event; `read` is what is asked instead of this host, where the
    host is a pretended one."""

    def __init__(
        self,
        say: Callable[[Sampled], None],
        recorded: Callable[[], int],
        read: Callable[[float], Sample] | None = None,
    ) -> None:
        self._say, self._recorded, self._read = say, recorded, read or Readings().next

    async def watch(self) -> None:
        while True:
            reading = await asyncio.to_thread(self._read, time.time())
            self._say(Sampled(reading.time_s, reading.values, self._recorded()))
            await asyncio.sleep(until_beat_s(BEAT_S, time.time()))
