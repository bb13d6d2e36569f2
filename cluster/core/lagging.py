"""Members that do not keep up: shown as lagging, and past a backlog asked to leave and be brought up to date.

The engine gives no back-pressure to a fast sender: what a slow member has not read yet piles up on its side. How late a
member is, is `lag.py`; the proposer's own window is `proposals.py`.
"""

from __future__ import annotations

from cluster.core.committing import Committing
from cluster.core.effects import Effect, Multicast
from cluster.core.events import Looked
from cluster.core.lag import Behind
from cluster.core.messages import AnyMessage, StartAgain, encode
from cluster.core.work import Phase

BACKLOG_BYTES_MAX = 64 << 20


class Lagging(Committing):
    """A replica that watches how the others keep up. `behind` is who did not, at the last look."""

    behind: tuple[Behind, ...] = ()

    def _on_looked(self, event: Looked, now: list[Effect]) -> None:
        work = self.work
        if self.phase is not Phase.ACTIVE:
            self.behind = ()
            return
        others = {node_id: index for node_id, index in work.acked.items() if node_id != self.node_id}
        self.behind = work.lag.look(event.now_ms, others, self.machine.log.last.index)
        late = {one.node_id for one in self.behind}
        if self.node_id != min(node_id for node_id in (self.node_id, *others) if node_id not in late):
            return  # one asks, the lowest of those who keep up
        for one in self.behind:
            if one.bytes > BACKLOG_BYTES_MAX and one.node_id not in work.told_to_start_again:
                work.told_to_start_again.add(one.node_id)
                now.append(Multicast(encode(StartAgain(work.session, work.epoch, one.node_id))))

    def _hear_start_again(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        assert isinstance(message, StartAgain)
        if message.epoch == self.work.epoch and message.node_id == self.node_id:
            self._resign(
                f"This node is more than {BACKLOG_BYTES_MAX >> 20} MiB behind the others, and starts again.", now
            )
