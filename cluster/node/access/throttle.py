"""Slows down guessing of passwords, per user and per address, without ever locking anyone out for good.

The first failures are free; from then on the next attempt for that user waits three seconds, from that address longer
and longer. Attempts that arrive together queue one behind the other; when the queue is long they are refused at once.
Asked from the control socket (no address) nothing is slowed, so root on the node always gets in.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cluster.errors import Busy

FREE_FAILURES = 3
FLOOR_S = 3.0
ADDRESS_DELAY_S_MAX = 30.0
QUEUE_S_MAX = 30.0  # an attempt that would wait longer is refused
MEMORY_S = 900.0  # failures are forgotten this long after the last one
REMEMBERED_MAX = 4096  # users and addresses; the oldest go first


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_s: float = 0.0
    next_s: float = 0.0  # no attempt is checked before this


@dataclass(slots=True)
class Throttle:
    """Ask `wait_s` before a check, tell `failed` or `succeeded` after it. `now_s` is a monotonic clock."""

    now_s: Callable[[], float]
    _known: OrderedDict[str, _Failures] = field(default_factory=OrderedDict)

    def wait_s(self, user: str, address: str) -> float:
        """Seconds this attempt has to wait before its password is checked; its turn is taken. Raises Busy."""
        if not address:
            return 0.0
        now_s = self.now_s()
        turns = [self._failures(key, now_s) for key in _keys(user, address)]
        start_s = max([now_s, *(turn.next_s for turn in turns if turn.count >= FREE_FAILURES)])
        if turns[1].count == 0:
            start_s = min(start_s, now_s + FLOOR_S)
        if start_s - now_s > QUEUE_S_MAX:
            raise Busy("Too many failed sign-ins. Wait half a minute and try again.")
        for key, turn in zip(_keys(user, address), turns, strict=True):
            if turn.count >= FREE_FAILURES:
                turn.next_s = max(turn.next_s, start_s + _delay_s(key, turn.count))
        return start_s - now_s

    def failed(self, user: str, address: str) -> tuple[str, ...]:
        """→ what to tell the other nodes, so that guessing does not get faster by asking all of them."""
        if not address:
            return ()
        keys = _keys(user, address)
        self.heard(keys)
        return keys

    def heard(self, keys: Iterable[str]) -> None:
        """A failure, on this node or on another."""
        now_s = self.now_s()
        for key in keys:
            failures = self._failures(key, now_s)
            failures.count += 1
            failures.last_s = now_s
            if failures.count >= FREE_FAILURES:
                failures.next_s = max(failures.next_s, now_s + _delay_s(key, failures.count))

    def succeeded(self, user: str, address: str) -> None:
        """A right password clears its address, not its user: somebody else may still be guessing that."""
        self._known.pop(_address_key(address), None)

    def _failures(self, key: str, now_s: float) -> _Failures:
        failures = self._known.get(key)
        if failures is None or now_s - failures.last_s > MEMORY_S:
            failures = self._known[key] = _Failures(last_s=now_s)
        self._known.move_to_end(key)
        while len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        return failures


def _keys(user: str, address: str) -> tuple[str, str]:
    return "user " + _digest(user), _address_key(address)


def _address_key(address: str) -> str:
    return "address " + _digest(address)


def _digest(text: str) -> str:
    """People type passwords where their name belongs; names are not kept or sent about."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _delay_s(key: str, count: int) -> float:
    if key.startswith("user "):
        return FLOOR_S
    return min(FLOOR_S * 2.0 ** min(count - FREE_FAILURES, 10), ADDRESS_DELAY_S_MAX)
