"""What one incarnation of the real engine holds of corosync's libraries, and how that is let go of.

Closing waits for corosync, so it has threads; it is never left out, because a group that stays joined by nobody who
reads cannot be joined again by this process, and corosync keeps for it whatever is sent. Its use is `corosync.py`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from cluster.corosync.bounded import bounded
from cluster.corosync.cfg import Cfg
from cluster.corosync.quorum import QuorumTracker
from cluster.corosync.statistics import Statistics
from cluster.corosync.votequorum import VoteInfo, Votequorum, VotesTracker
from cluster.errors import Unavailable

CLOSE_TIMEOUT_S = 5.0


class Handle(Protocol):
    def close(self) -> None: ...


@dataclass(frozen=True)
class Connection:
    """What one incarnation of the engine holds, groups apart."""

    node_id: int
    quorum: QuorumTracker
    votes: VotesTracker
    votequorum: Votequorum
    statistics: Statistics

    @classmethod
    def open(cls) -> Connection:
        """Waits for corosync. Raises CorosyncError, Unavailable."""
        with contextlib.ExitStack() as opened:
            cfg = Cfg()
            opened.callback(cfg.close)
            node_id = cfg.local_node_id()
            with contextlib.ExitStack() as on_failure:
                quorum = QuorumTracker()
                on_failure.callback(quorum.close)
                votes = VotesTracker()
                on_failure.callback(votes.close)
                votequorum = Votequorum()
                on_failure.callback(votequorum.close)
                statistics = Statistics()
                on_failure.pop_all()
        return cls(node_id, quorum, votes, votequorum, statistics)

    def close(self) -> None:
        close_all([self.quorum, self.votes, self.votequorum, self.statistics])

    def count_votes(self) -> VoteInfo:
        """For one call at a time. Raises CorosyncError: CS_ERR_TRY_AGAIN while corosync takes no questions."""
        self.statistics.refuse_if_busy()
        return self.votequorum.info()


def close_all(handles: Iterable[Handle]) -> None:
    for handle in handles:
        handle.close()


async def close_in_time(close: Callable[[], None], what: str) -> None:
    """Goes on in its thread should it take longer."""
    with contextlib.suppress(Unavailable):
        await bounded(close, CLOSE_TIMEOUT_S, what, stuck_max=None)


def close_apart(handles: list[Handle]) -> None:
    """Close handles in a thread that nobody waits for: closing a dead one takes seconds."""
    if handles:
        threading.Thread(target=close_all, args=(handles,), name="corosync: closing", daemon=True).start()
