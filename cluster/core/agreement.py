"""How the members of a view come to one epoch and one history: COLLECTING, PROMISING, FETCHING, INSTALLING.

The first half of the replicated state machine; the second, writing, is `replica.py`, which also has the table of what
is heard when. What is chosen from the States is `sync.py`, the same on every member.
"""

from __future__ import annotations

from cluster.core import electorate as votes
from cluster.core.effects import (
    Alarm,
    AppendRecord,
    Effect,
    Expose,
    Fetch,
    InstallRecord,
    Multicast,
    NotDone,
    Persist,
    PromiseRecord,
    Reply,
    Resign,
    SetTimer,
)
from cluster.core.events import FetchFailed, HistoryFetched
from cluster.core.log import Entry
from cluster.core.machine import Durable, Machine, Nodelist
from cluster.core.messages import AnyMessage, Point, Promise, State, encode
from cluster.core.operations import EpochStart, encode_body
from cluster.core.snapshot import Snapshot
from cluster.core.sync import Choice, Impasse, choose, fits
from cluster.core.work import Phase, Work
from cluster.errors import StoreRefusal

AGREEING = "The nodes are agreeing on the latest state."
FETCH_RETRY_MS = 500

Entries = tuple[Entry, ...]


class Agreement:
    """A replica up to the point where it may write.

    `contact` is how the others can fetch history from this node; what it says is not looked at here."""

    def __init__(self, durable: Durable, nodelist: Nodelist, contact: str = "") -> None:
        self.node_id = durable.node_id
        self.uuid = durable.uuid
        self.blank = durable.blank
        self.promised = durable.promised
        self.contact = contact
        self.machine = Machine(durable, nodelist)
        self.phase = Phase.OFFLINE
        self.reason = "The store is starting."
        self.present_votes, self.needed_votes = 0, 0
        self.work = Work()
        self.failed_errno = 0
        self._ticket = self._persisted = 0
        self.sure_index = self.machine.log.last.index

    # --- choosing an epoch and a history ----------------------------------------------------------------------------

    def depends_on(self, node_id: int) -> bool:
        """Does that node's vote count, or would it if what is under way became committed? A removed node may be
        switched off when no voter answers yes."""
        machine, asked = self.machine, self.work.asked
        if asked is not None and asked.before == machine.electorate and node_id in asked.after:
            return True
        return any(node_id in one.votes for one in machine.electorates())

    def _say_state(self, now: list[Effect]) -> None:
        """Say where we stand, once, and only what is on disk."""
        if self.work.state_said or self._persisted < self._ticket:
            return
        self.work.state_said = True
        log, claimed = self.machine.log, self.claimed
        electorates = tuple(one for one in self.machine.electorates() if one.since <= claimed.index)
        state = State(
            self.work.view, self.uuid, self.blank, claimed, self.promised, log.commit, electorates, self.contact
        )
        now.append(Multicast(encode(state)))

    def _let_go_of_what_is_not_claimed(self, now: list[Effect]) -> None:
        """On disk too, before anything is claimed: a node that starts again could not tell those entries any more."""
        log, claimed = self.machine.log, self.claimed
        if log.last.index > claimed.index:
            dropped = tuple(entry for entry in log.replace_after(claimed.index, ()) if self.machine.would_lose(entry))
            self._persist(InstallRecord(self.promised, claimed.index, None, (), dropped), now)

    @property
    def claimed(self) -> Point:
        """How far this node's log may decide what the cluster's history is: where an Ack of its own may have counted.

        When a ring breaks up, the engine may leave out what this node missed and still deliver what its own side sent
        after it: such entries stand in a wrong place. They are told by this: the node's own Ack of them, which would
        have come back before the view's end had anybody counted it, did not."""
        log = self.machine.log
        return log.point_at(max(self.sure_index, log.commit.index))

    def _hear_state(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        assert isinstance(message, State)
        self.work.states[sender] = message
        if len(self.work.states) == len(self.work.members):
            self._choose(now)

    def _hear_proceed(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        self._choose(now)

    def _hear_late_state(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        """Somebody who was silent speaks after all: perhaps now there is a majority."""
        assert isinstance(message, State)
        if sender not in self.work.states:
            self.work.states[sender] = message
            self._choose(now)

    def _choose(self, now: list[Effect]) -> None:
        """Choose from the States heard so far: a place in the order, so the outcome is the same on all members."""
        outcome = choose(self.work.states, self.uuid, self.work.ring_sequence)
        self.present_votes, self.needed_votes = outcome.present_votes, outcome.needed_votes
        if isinstance(outcome, Impasse):
            self._become(Phase.READ_ONLY, outcome.reason)
            self._fail_unsent(now)
        elif self.promised >= outcome.epoch:
            self._resign("This node was silent while the others went on, and starts again.", now)
        else:
            self.work.choice, self.promised = outcome, outcome.epoch
            self.work.position = outcome.want.index + 1
            self.work.promise_ticket = self._persist(PromiseRecord(self.promised), now)
            self._become(Phase.PROMISING, AGREEING)

    def _hear_promise(self, sender: int, message: AnyMessage, now: list[Effect]) -> None:
        assert isinstance(message, Promise) and self.work.choice is not None
        if message.epoch != self.work.epoch:
            return
        self.work.promises.add(sender)
        if votes.is_majority_of_all(self.work.choice.electorates, self.work.promises):
            self._take_history(self.work.choice, now)

    def _take_history(self, choice: Choice, now: list[Effect]) -> None:
        """Make our log equal to the source's: as it is, by dropping what is too much, or by fetching."""
        if choice.want in self.machine.log.points() and not self.blank:
            dropped = self.machine.log.replace_after(choice.want.index, ())
            self._install(choice.want.index, None, (), dropped, now)
        else:
            self._become(Phase.FETCHING, "This node is fetching what it missed.")
            self._fetch(now)

    def _fetch(self, now: list[Effect]) -> None:
        choice = self.work.choice
        if choice is not None:
            have = () if self.blank else self.machine.log.points()
            now.append(Fetch(choice.epoch, choice.source, choice.contact, have, choice.want))

    def _on_fetched(self, event: HistoryFetched, now: list[Effect]) -> None:
        choice, log = self.work.choice, self.machine.log
        if self.phase is not Phase.FETCHING or choice is None or event.epoch != choice.epoch:
            return
        if not fits(event, choice.want, choice.epoch, () if self.blank else log.points()):
            self._refuse_history("a history that does not fit", choice, now)
        elif event.snapshot is not None:
            dropped = log.after(log.commit.index)
            try:
                self.machine.adopt(event.snapshot, event.entries)
            except StoreRefusal as refusal:
                self._refuse_history(f"a store that is not whole ({refusal.message})", choice, now)
                return
            now.append(Expose((), whole=True))
            self._install(event.snapshot.point.index, event.snapshot, event.entries, dropped, now)
        elif event.common is not None:
            dropped = log.replace_after(event.common.index, event.entries)
            self._install(event.common.index, None, event.entries, dropped, now)

    def _refuse_history(self, what: str, choice: Choice, now: list[Effect]) -> None:
        now.append(Alarm(f"Node {choice.source} sent {what}; asking again."))
        now.append(SetTimer(f"fetch {choice.epoch}", FETCH_RETRY_MS))

    def _on_fetch_failed(self, event: FetchFailed, now: list[Effect]) -> None:
        if self.phase is Phase.FETCHING and event.epoch == self.work.epoch:
            self._become(Phase.FETCHING, f"Fetching what this node missed failed ({event.reason}); trying again.")
            now.append(SetTimer(f"fetch {event.epoch}", FETCH_RETRY_MS))

    def _install(
        self, keep: int, snapshot: Snapshot | None, entries: Entries, dropped: Entries, now: list[Effect]
    ) -> None:
        """The log in memory is the chosen one; begin the epoch in it and have both put on disk."""
        log, epoch = self.machine.log, self.work.epoch
        if log.last.epoch != epoch:
            entries = (*entries, log.append(epoch, encode_body(EpochStart(epoch))))
        dropped = tuple(entry for entry in dropped if self.machine.would_lose(entry))
        self.blank, self.sure_index = False, log.last.index
        self.work.install_ticket = self._persist(InstallRecord(epoch, keep, snapshot, entries, dropped), now)
        self._become(Phase.INSTALLING, AGREEING)

    # --- small things -----------------------------------------------------------------------------------------------

    def _persist(self, record: PromiseRecord | AppendRecord | InstallRecord, now: list[Effect]) -> int:
        self._ticket += 1
        now.append(Persist(self._ticket, record))
        return self._ticket

    def _become(self, phase: Phase, reason: str) -> None:
        self.phase, self.reason = phase, reason

    def _resign(self, reason: str, now: list[Effect]) -> None:
        """Leave the group, to come back and be brought up to date."""
        self._be_sure_of_all()
        self.work = Work()
        self._become(Phase.OFFLINE, reason)
        now.append(Resign(reason))

    def _be_sure_of_all(self) -> None:
        """This node will not hear which of its Acks came to pass: any may have been counted."""
        if self.phase in (Phase.INSTALLED, Phase.ACTIVE):
            self.sure_index = self.machine.log.last.index

    def _fail_unsent(self, now: list[Effect]) -> None:
        """Nobody here can write: what was never sent has certainly not happened."""
        proposals = self.machine.proposals
        for request_id in [name for name, pending in proposals.pending.items() if not pending.ever_sent]:
            proposals.remove(request_id)
            now.append(Reply(request_id, NotDone("no-quorum", f"The store is read-only: {self.reason}")))
