"""Reading what is certainly the newest: between agreeing on an epoch (`agreement.py`) and writing in it (`replica.py`).

A node with readers asks all members, once for all who wait: are you still in this epoch (`Barrier`)? Each that writes
answers `Confirm` with how far its log is on disk. Once a majority of the votes has answered and this
node has committed that far, its state holds everything that anybody was told is kept before the question: a majority
that said so has a member in common with the majority that answered, and a later epoch needs a promise of one of them.
Nothing goes to disk. docs/decisions/0022 has the argument in full.
"""

from __future__ import annotations

from cluster.core import electorate as votes
from cluster.core.agreement import Agreement
from cluster.core.effects import Effect, Multicast, ReadReady, ReadRefused
from cluster.core.events import ReadAsked, ReadGivenUp
from cluster.core.machine import Durable, Nodelist
from cluster.core.messages import AnyMessage, Barrier, Confirm, encode
from cluster.core.reads import Reads
from cluster.core.work import Phase

# Here nobody can say what the newest state is, and waiting for it might take for ever.
CANNOT_TELL = (Phase.READ_ONLY, Phase.OFFLINE, Phase.FAILED)


class Reading(Agreement):
    """A replica that can tell readers when its state is as new as any."""

    def __init__(self, durable: Durable, nodelist: Nodelist, contact: str = "") -> None:
        super().__init__(durable, nodelist, contact)
        self.reads = Reads()

    def _on_read_asked(self, event: ReadAsked, now: list[Effect]) -> None:
        if self.reads.accepts():
            self.reads.add(event.read_id)
        else:
            now.append(ReadRefused((event.read_id,), "busy", "Too many readers wait on this node."))

    def _on_read_given_up(self, event: ReadGivenUp, now: list[Effect]) -> None:
        self.reads.give_up(event.read_id)

    def _hear_barrier(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        """Asked by a member; a member that asks itself counts itself without."""
        assert isinstance(message, Barrier)
        work = self.work
        if message.epoch == work.epoch and sender != self.node_id:
            now.append(Multicast(encode(Confirm(work.session, work.epoch, sender, message.number, work.held.index))))

    def _hear_confirm(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        assert isinstance(message, Confirm)
        round_ = self.reads.round
        if round_ is not None and message.node_id == self.node_id and round_.is_asked_by(message.epoch, message.number):
            round_.confirmed[sender] = message.index

    def _go_on_reading(self, now: list[Effect]) -> None:
        """After each step with readers: let go whoever may, ask for those who wait, refuse where nobody can say."""
        if self.phase in CANNOT_TELL:
            sentence = f"Nobody can say whether this node's state is the newest: {self.reason}"
            now.append(ReadRefused(self.reads.take_all(), "no-quorum", sentence))
        elif self.phase is not Phase.ACTIVE:
            self.reads.start_again()
        else:
            if self.reads.round is not None and self.reads.round.epoch != self.work.epoch:
                self.reads.start_again()
            self._complete_round(now)
            if (round_ := self.reads.begin(self.work.epoch)) is not None:
                round_.confirmed[self.node_id] = self.work.held.index
                if not self._complete_round(now):
                    now.append(Multicast(encode(Barrier(self.work.session, round_.epoch, round_.number))))

    def _complete_round(self, now: list[Effect]) -> bool:
        round_, log = self.reads.round, self.machine.log
        if round_ is None or log.commit.index < max(round_.confirmed.values()):
            return False
        if not votes.is_majority_of_all([one.votes for one in self.machine.electorates()], round_.confirmed):
            return False
        self.reads.round = None
        now.append(ReadReady(round_.read_ids))
        return True
