"""What this node has on disk it says; what a majority says is committed. Between proposing and the replica as a whole.

What its own disk has a node counts at once: by the time its own Ack came back, nothing about it could have changed. The
others are told at once where their commit may hang on it, and once in every epoch, so that they know who is up to date;
what everybody can commit without it is told a little later, together with what follows. What a majority is, and which
entries it commits, is `machine.py` and `electorate.py`.
"""

from __future__ import annotations

from cluster.core import electorate as votes
from cluster.core.effects import Alarm, Effect, Multicast, SetTimer
from cluster.core.messages import Ack, AnyMessage, Append, encode
from cluster.core.operations import ElectorateChange, encode_body
from cluster.core.proposing import Proposing
from cluster.core.work import Phase

ACK_LATER_MS = 20
MARK_BYTES = 8  # of an entry's hash, in an Ack


class Committing(Proposing):
    """A replica that acknowledges, and commits what a majority has acknowledged."""

    def _count_own(self, now: list[Effect]) -> None:
        """Count what has come to this node's disk in this epoch, and see that the others hear of it."""
        work, before = self.work, self.work.held
        while work.unacked and work.unacked[0][0] <= self._persisted:
            work.held = work.unacked.pop(0)[1]
        if work.held == before:
            return
        work.acked[self.node_id] = work.held.index
        if work.held.index > self.machine.log.commit.index or not work.said_index:
            self._say_ack(now)
        elif not work.ack_waits:
            work.ack_waits = True
            now.append(SetTimer(self._ack_timer(), ACK_LATER_MS))

    def _say_ack(self, now: list[Effect]) -> None:
        work, held = self.work, self.work.held
        work.said_index = held.index
        now.append(Multicast(encode(Ack(work.session, work.epoch, held.index, held.hash[:MARK_BYTES]))))

    def _on_ack_timer(self, now: list[Effect]) -> None:
        work, self.work.ack_waits = self.work, False
        if work.held.index > work.said_index:
            self._say_ack(now)

    def _ack_timer(self) -> str:
        return f"ack {self.work.view.hex()}"

    def _hear_ack(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        assert isinstance(message, Ack)
        if message.epoch != self.work.epoch:
            return
        writing = self.phase in (Phase.INSTALLED, Phase.ACTIVE)
        if writing and not self._agrees(message):
            now.append(Alarm(f"Node {sender} holds something else than this node at index {message.index}."))
            return
        self.work.acked[sender] = max(self.work.acked.get(sender, 0), message.index)
        if sender == self.node_id:
            self.sure_index = max(self.sure_index, message.index)
        if writing:
            self._commit(now)

    def _agrees(self, ack: Ack) -> bool:
        """Does this Ack speak of the entry that this node has there?"""
        log = self.machine.log
        return ack.index <= log.commit.index or log.point_at(ack.index).hash[:MARK_BYTES] == ack.hash

    def _commit(self, now: list[Effect]) -> None:
        choice = self.work.choice
        self.machine.commit(self.work.acked, now, choice.committed if choice is not None else None)
        if self.phase is Phase.INSTALLED and choice and self.machine.log.commit.index > choice.want.index:
            self._become(Phase.ACTIVE, "")
            self.machine.proposals.start_again()
            self._send_proposals(now)
        self._reform(now)

    def _reform(self, now: list[Effect]) -> None:
        """Bring the electorate one step closer to the committed nodelist; the lowest voter that is up to date asks."""
        work, current = self.work, self.machine.electorate
        ready = [node_id for node_id in work.acked if node_id in current]
        if self.phase is not Phase.ACTIVE or not ready or self.node_id != min(ready):
            return
        if len(self.machine.electorates()) > 1 or (work.asked is not None and work.asked.before == current):
            return
        after = votes.next_step(current, self.machine.configured_votes(), work.acked)
        if after is not None and votes.is_majority(after, work.acked):
            work.asked = ElectorateChange(dict(current), after)
            now.append(Multicast(encode(Append(work.session, work.epoch, (encode_body(work.asked),)))))
            self.machine.proposals.in_flight += 1
