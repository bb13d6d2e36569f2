"""What this node has asked for and not yet been answered: the proposer's window.

Bounded in commands and bytes, because the engine itself gives no back-pressure to a fast sender. A few messages are in
flight at a time; what is asked meanwhile travels together in the next one. Nothing here knows of views or votes.
"""

from __future__ import annotations

from dataclasses import dataclass

from cluster.core.effects import NotDone, Reply, Unknown

COMMANDS_MAX = 64
COMMAND_BYTES_MAX = 4 << 20
BYTES_MAX = 8 << 20
BATCH_BYTES_MAX = 256 << 10
IN_FLIGHT_MAX = 2
UNCERTAIN_MAX = 4096


@dataclass(slots=True)
class Pending:
    body: bytes
    ever_sent: bool = False


class Proposals:
    def __init__(self) -> None:
        self.pending: dict[str, Pending] = {}
        self.unsent: list[str] = []
        self.in_flight = 0
        self.bytes = 0
        self._uncertain: dict[str, None] = {}  # sent, and given up without an answer; oldest first

    def accepts(self, body: bytes) -> bool:
        return len(self.pending) < COMMANDS_MAX and (self.bytes + len(body) <= BYTES_MAX or not self.pending)

    def add(self, request_id: str, body: bytes) -> None:
        self.pending[request_id] = Pending(body, ever_sent=request_id in self._uncertain)
        self.unsent.append(request_id)
        self.bytes += len(body)

    def remove(self, request_id: str) -> Pending | None:
        gone = self.pending.pop(request_id, None)
        if gone is not None:
            self.bytes -= len(gone.body)
            if request_id in self.unsent:
                self.unsent.remove(request_id)
        return gone

    def give_up(self, request_id: str) -> Pending | None:
        """Wait no longer for an answer; if it was ever sent, it may still happen."""
        gone = self.remove(request_id)
        if gone is not None and gone.ever_sent:
            self._uncertain[request_id] = None
            if len(self._uncertain) > UNCERTAIN_MAX:
                del self._uncertain[next(iter(self._uncertain))]
        return gone

    def give_up_all(self, reason: str, errno: int) -> list[Reply]:
        """This node's disk failed: what was never sent has certainly not happened."""
        given_up = [(request_id, self.give_up(request_id)) for request_id in list(self.pending)]
        never = NotDone("unavailable", reason, errno)
        return [Reply(name, Unknown(reason) if one is not None and one.ever_sent else never) for name, one in given_up]

    def not_done(self, request_id: str, code: str, message: str, errno: int = 0) -> Reply:
        """The answer to a request that cannot be taken on: failed, unless an earlier try of it may still happen."""
        if request_id in self._uncertain:
            return Reply(request_id, Unknown(f"An earlier try may still happen. {message}"))
        return Reply(request_id, NotDone(code, message, errno))

    def next_batch(self) -> tuple[bytes, ...]:
        """Bodies to send together now; empty when enough are in flight or nothing waits."""
        if self.in_flight >= IN_FLIGHT_MAX or not self.unsent:
            return ()
        batch: list[bytes] = []
        size = 0
        while self.unsent and (not batch or size + len(self.pending[self.unsent[0]].body) <= BATCH_BYTES_MAX):
            pending = self.pending[self.unsent.pop(0)]
            pending.ever_sent = True
            batch.append(pending.body)
            size += len(pending.body)
        self.in_flight += 1
        return tuple(batch)

    def one_returned(self) -> None:
        """One of our own messages came back in its place."""
        self.in_flight = max(0, self.in_flight - 1)

    def start_again(self) -> None:
        """A new epoch: whatever has no answer yet is sent again. The same request id keeps it exactly-once."""
        self.in_flight = 0
        self.unsent = list(self.pending)
