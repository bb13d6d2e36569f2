"""Taking on what this node is asked to change, and sending it: the proposer's side of writing (`replica.py`).

How much may wait at a time is `proposals.py`. What comes of a change is told when it is committed (`machine.py`).
"""

from __future__ import annotations

import errno

from cluster.core.effects import Effect, Multicast, NotDone, Outcome, Refused, Reply, Unknown
from cluster.core.events import Expired, Proposed
from cluster.core.machine import outcome_of
from cluster.core.messages import Append, split
from cluster.core.operations import may_come_from
from cluster.core.proposals import COMMAND_BYTES_MAX
from cluster.core.reading import CANNOT_TELL, Reading
from cluster.core.work import Phase


class Proposing(Reading):
    """A replica that takes on changes, and sends them while it may write."""

    def outcome(self, request_id: str) -> Outcome | None:
        """What became of a request, as far as this node knows; None when it never heard of it, or too long ago."""
        known = self.machine.remembered.get(request_id)
        if known is not None:
            return outcome_of(known)
        under_way = request_id in self.machine.proposals.pending
        return Unknown("The change is under way on this node.") if under_way else None

    def _on_proposed(self, event: Proposed, now: list[Effect]) -> None:
        proposals = self.machine.proposals
        known = self.machine.remembered.get(event.request_id)
        if known is not None:
            now.append(Reply(event.request_id, outcome_of(known)))
        elif event.request_id in proposals.pending:
            return
        elif len(event.body) > COMMAND_BYTES_MAX:
            now.append(Reply(event.request_id, Refused(errno.EFBIG, f"One change may have {COMMAND_BYTES_MAX} bytes.")))
        elif not may_come_from(event.body, self.node_id):
            now.append(Reply(event.request_id, Refused(errno.EINVAL, "The change is malformed.")))
        elif self.phase is Phase.FAILED:
            now.append(proposals.not_done(event.request_id, "unavailable", self.reason, self.failed_errno))
        elif self.phase in CANNOT_TELL:
            now.append(proposals.not_done(event.request_id, "no-quorum", f"The store is read-only: {self.reason}"))
        elif not proposals.accepts(event.body):
            now.append(proposals.not_done(event.request_id, "busy", "Too many changes are waiting on this node."))
        else:
            proposals.add(event.request_id, event.body)
            self._send_proposals(now)

    def _on_expired(self, event: Expired, now: list[Effect]) -> None:
        pending = self.machine.proposals.give_up(event.request_id)
        if pending is not None and pending.ever_sent:
            now.append(Reply(event.request_id, Unknown("The nodes have not confirmed the change in time.")))
        elif pending is not None:
            now.append(Reply(event.request_id, NotDone("no-quorum", f"The change was not sent: {self.reason}")))

    def _send_proposals(self, now: list[Effect]) -> None:
        while self.phase is Phase.ACTIVE and (batch := self.machine.proposals.next_batch()):
            message = Append(self.work.session, self.work.epoch, batch)
            now.extend(Multicast(payload) for payload in split(message))
