"""Who tells of which condition, and when: one node sends, once, and another takes over where it stopped. Pure.

The lowest node id of the quorate view sends. What was sent is a mark that all nodes keep: `raised` or `over` per
condition, and `sending-…` while it is under way, so that a node that takes over waits for one that may just have sent,
and then sends itself. In a part without quorum nobody sends; what that part saw is told when it is back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from cluster.alerts.condition import Condition

HOLD_S = 4.0  # how long a condition must last, or be gone, to count
CLAIM_S = 30.0  # how long somebody else's sending is waited for
TRIES_MAX = 8
BACKOFF_FIRST_S, BACKOFF_MAX_S = 5.0, 300.0
MARKS_MAX = 512
CURRENT_MAX = 384  # fewer than marks: what counts keeps its mark, or it would be told again and again


class Mark(msgspec.Struct, array_like=True, frozen=True):
    """What was sent last of a condition. The newer one counts, of equal ones the one heard last."""

    key: str
    word: str
    time_s: float


@dataclass(frozen=True, slots=True)
class Send:
    """Do send this, to everybody, and say with `done` what came of it."""

    word: str
    condition: Condition
    since_s: float


@dataclass(slots=True)
class Alert:
    """A condition that counts."""

    condition: Condition
    since_s: float
    seen_s: float


class Dispatcher:
    """`marked` is told every new mark, for the other nodes. Times are unix, handed in."""

    def __init__(self, marked: Callable[[Mark], None]) -> None:
        self._marked = marked
        self.current: dict[str, Alert] = {}
        self.marks: dict[str, Mark] = {}
        self._known: dict[str, Condition] = {}  # of what was raised, for saying that it is over
        self._first: dict[str, float] = {}
        self._under_way: set[str] = set()
        self._tries: dict[str, tuple[int, float]] = {}  # key → tries, not before

    def hear(self, marks: Iterable[Mark]) -> None:
        """What another node sent, or is about to."""
        for mark in marks:
            known = self.marks.get(mark.key)
            if known is None or known.time_s <= mark.time_s:
                self.marks[mark.key] = mark
        while len(self.marks) > MARKS_MAX:
            over = [key for key in self.marks if key not in self.current] or list(self.marks)
            del self.marks[min(over, key=lambda key: self.marks[key].time_s)]

    def step(
        self, now_s: float, leads: bool, there: Mapping[str, Condition], quiet: Callable[[Condition], bool]
    ) -> list[Send]:
        """What to send now. `there` is all that is wrong, `quiet` what nobody wants to hear of."""
        self._settle(now_s, there)
        if not leads:
            self._tries.clear()
            return []
        wanted = [Send("raised", one.condition, one.since_s) for one in self.current.values()]
        wanted += [
            Send("over", self._condition(key), self.marks[key].time_s)
            for key, mark in self.marks.items()
            if key not in self.current and mark.word in ("raised", "sending-over")
        ]
        found = [one for one in wanted if self._is_due(one, now_s) and not quiet(one.condition)]
        for one in found:
            self._under_way.add(one.condition.key)
            self._mark(one.condition.key, f"sending-{one.word}", now_s)
        return found

    def done(self, sent: Send, arrived: bool, now_s: float) -> bool:
        """→ whether that was the end of it: it arrived, or will not be tried again."""
        key = sent.condition.key
        self._under_way.discard(key)
        tries = self._tries.get(key, (0, 0.0))[0] + 1
        if arrived or tries >= TRIES_MAX:
            self._tries.pop(key, None)
            self._mark(key, sent.word, now_s)
            return True
        self._tries[key] = (tries, now_s + backoff_s(tries))
        return False

    def unsent(self, key: str) -> bool:
        """Is there something of this to tell that nobody has been told?"""
        mark = self.marks.get(key)
        return mark is None or mark.word not in ("raised", "sending-over")

    def _settle(self, now_s: float, there: Mapping[str, Condition]) -> None:
        for key, condition in there.items():
            first_s = self._first.setdefault(key, now_s)
            known = self.current.get(key)
            if known is not None:
                known.condition, known.seen_s = condition, now_s
            elif len(self.current) < CURRENT_MAX and (condition.once or now_s - first_s >= HOLD_S):
                self.current[key] = Alert(condition, first_s, now_s)
                self._known[key] = condition
        for key in self._first.keys() - there.keys():
            del self._first[key]
        for key in [key for key, one in self.current.items() if now_s - one.seen_s >= HOLD_S]:
            del self.current[key]
        for key in [key for key in self._known if key not in self.current and key not in self.marks]:
            del self._known[key]

    def _is_due(self, one: Send, now_s: float) -> bool:
        key = one.condition.key
        mark = self.marks.get(key)
        if key in self._under_way or (mark is not None and mark.word == one.word):
            return False
        if one.word == "over" and (one.condition.once or mark is None):
            return False
        tries, not_before_s = self._tries.get(key, (0, 0.0))
        if tries:
            return now_s >= not_before_s
        return mark is None or not mark.word.startswith("sending-") or now_s - mark.time_s >= CLAIM_S

    def _condition(self, key: str) -> Condition:
        known = self._known.get(key)
        if known is not None:
            return known
        kind, _, about = key.partition("/")
        return Condition(key, kind, about.partition("/")[0], f"{kind} {about}", once=kind == "task-failed")

    def _mark(self, key: str, word: str, now_s: float) -> None:
        mark = Mark(key, word, now_s)
        self.hear((mark,))
        self.marks[key] = mark
        self._marked(mark)


def backoff_s(tries: int) -> float:
    return float(min(BACKOFF_FIRST_S * 2 ** (tries - 1), BACKOFF_MAX_S))
