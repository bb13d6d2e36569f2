"""Who among the members has not confirmed for long what it was sent, and how many bytes that is. Arithmetic only.

Time is handed in. What is done about a member that lags is `lagging.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LATE_MS = 10_000
MARK_BYTES = 64 << 10  # sizes are remembered this finely
MARKS_MAX = 4096


@dataclass(frozen=True, slots=True)
class Behind:
    """A member that has not confirmed for `for_ms` what it was sent; `bytes` are still to be confirmed."""

    node_id: int
    for_ms: int
    bytes: int


class Lag:
    """One epoch's; `appended` for every message of the order, `look` now and then."""

    def __init__(self) -> None:
        self._bytes = 0
        self._marks: list[tuple[int, int]] = []  # index, bytes up to and with it
        self._due: dict[int, tuple[int, int]] = {}  # node id → the index it is to confirm, known since (ms)

    def appended(self, index: int, size: int) -> None:
        self._bytes += size
        if self._marks and self._bytes - self._marks[-1][1] < MARK_BYTES:
            return
        self._marks.append((index, self._bytes))
        del self._marks[:-MARKS_MAX]

    def bytes_after(self, index: int) -> int:
        """At most this much was sent after an index."""
        passed = next((size for at, size in reversed(self._marks) if at <= index), 0)
        return self._bytes - passed

    def look(self, now_ms: int, acked: Mapping[int, int], last_index: int) -> tuple[Behind, ...]:
        """Those who are late, in order. A member that never confirmed anything is catching up, and not late."""
        self._due = {node_id: due for node_id, due in self._due.items() if acked.get(node_id, last_index) < due[0]}
        for node_id, index in acked.items():
            if index < last_index:
                self._due.setdefault(node_id, (last_index, now_ms))
        return tuple(
            Behind(node_id, now_ms - since_ms, self.bytes_after(acked[node_id]))
            for node_id, (_, since_ms) in sorted(self._due.items())
            if now_ms - since_ms >= LATE_MS
        )
