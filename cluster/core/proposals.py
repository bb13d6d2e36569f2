"""What this node has asked for and not yet been answered: the proposer's window.

Bounded in commands and bytes, because the engine itself gives no back-pressure to a fast sender. A few messages are in
flight at a time; what is asked meanwhile travels together in the next one. Nothing here knows of views or votes.
"""

from __future__ import annotations

from dataclasses import dataclass

COMMANDS_MAX = 64
BYTES_MAX = 8 << 20
BATCH_BYTES_MAX = 256 << 10
IN_FLIGHT_MAX = 2


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

    def accepts(self, body: bytes) -> bool:
        return len(self.pending) < COMMANDS_MAX and (self.bytes + len(body) <= BYTES_MAX or not self.pending)

    def add(self, request_id: str, body: bytes) -> None:
        self.pending[request_id] = Pending(body)
        self.unsent.append(request_id)
        self.bytes += len(body)

    def remove(self, request_id: str) -> Pending | None:
        gone = self.pending.pop(request_id, None)
        if gone is not None:
            self.bytes -= len(gone.body)
            if request_id in self.unsent:
                self.unsent.remove(request_id)
        return gone

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
