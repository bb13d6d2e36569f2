"""What this node answers when it is asked through the status group: made in the background, a few at once, so that
nobody can keep it busy by asking.

Who is not answered sees a node that did not answer; why stands in this node's log. What is asked and what is said to it
is `verification.py` and `surveys.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from cluster.errors import QuireError, Unavailable
from cluster.node import board_messages

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

REPLYING_MAX = 4

log = logging.getLogger(__name__)


class Replies:
    """To one kind of question; `kind` names it in the log ("a survey")."""

    def __init__(self, daemon: Daemon, kind: str) -> None:
        self._daemon, self._kind = daemon, kind
        self._replying = 0

    def say(self, message: board_messages.AnyMessage) -> None:
        """To everybody in the status group. Raises Unavailable."""
        try:
            self._daemon.life.connection.engine.multicast(board_messages.GROUP, board_messages.encode(message))
        except QuireError as error:
            raise Unavailable(f"The other nodes cannot be asked: {error.message}") from error

    def give(self, make: Callable[[], Awaitable[board_messages.AnyMessage]]) -> None:
        """Say what `make` comes to. Too many at once: nothing is said."""
        if self._replying < REPLYING_MAX:
            self._replying += 1
            self._daemon.background.run(self._reply(make))

    async def _reply(self, make: Callable[[], Awaitable[board_messages.AnyMessage]]) -> None:
        try:
            self.say(await make())
        except (QuireError, OSError) as error:
            log.info("%s was not answered: %s", self._kind, error)
        except Exception:
            log.exception("%s was not answered", self._kind)  # being asked must not end this node
        finally:
            self._replying -= 1
