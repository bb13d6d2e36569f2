"""Says what this node has to say to the `status` group: what comes together goes as one message.

When somebody new comes, every node says half a dozen things to all. What they are is `board_messages.py`'s; this knows
only their size.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from cluster.engine.base import MESSAGE_SIZE_MAX
from cluster.errors import QuireError
from cluster.node.board_messages import Together, encode

PARTS_BYTES_MAX = MESSAGE_SIZE_MAX // 2  # and the wrapping is far less

log = logging.getLogger(__name__)


class Saying:
    """`multicast` reaches the group, and raises QuireError where it does not."""

    def __init__(self, multicast: Callable[[bytes], None]) -> None:
        self._multicast = multicast
        self._parts: list[bytes] = []
        self._bytes = 0

    def say(self, payload: bytes) -> None:
        """With whatever else is said in this turn of the loop, in order."""
        if self._parts and self._bytes + len(payload) > PARTS_BYTES_MAX:
            self._flush()
        if not self._parts:
            asyncio.get_running_loop().call_soon(self._flush)
        self._parts.append(payload)
        self._bytes += len(payload)

    def _flush(self) -> None:
        parts, self._parts, self._bytes = self._parts, [], 0
        if not parts:
            return
        try:
            self._multicast(parts[0] if len(parts) == 1 else encode(Together(tuple(parts))))
        except QuireError as error:
            log.debug("Not said to the status group: %s", error.message)
