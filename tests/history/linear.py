"""Is what clients saw of one path linearizable? Wing and Gong's search with Lowe's memory; revisions are not looked at.

A linearizable call takes effect at one moment between its invocation and its return; an UNKNOWN one may do so at any
time after its invocation, or never. A session read may be of the past, but not of the future, and not of what is older
than its own session has seen or done here. Written values are unique. What a single path cannot show (a session that
goes back between two paths, a change of two paths seen half) is for `replay.py`.

A search is quick as long as a path has some 400 calls: clients move on to another path then.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from tests.history.call import READS, Call
from tests.history.register import after, allows, observes

STEPS_MAX = 200_000


class Undecided(Exception):
    """The search became too long to finish."""


def check_path(calls: Sequence[Call]) -> str | None:
    """A sentence when one path's calls have no linearization, None when they have. Raises `Undecided`."""
    return Search([call for call in calls if call.outcome != "FAILED"]).run()


class Search:
    """Tries to put calls in a row. A set of calls is an integer with one bit each, numbered in the order of returns:
    so what must come before a call is every bit below some place."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls = sorted(calls, key=lambda call: call.returned_s)
        self.returns = [call.returned_s for call in self.calls]
        self.seen = {call.value for call in calls if call.kind in READS and call.outcome == "OK"}
        self.seen |= {call.expect for call in calls if call.kind == "cas" and call.outcome == "OK"}
        self.before = self._before()
        self.required = sum(1 << n for n, call in enumerate(self.calls) if call.outcome != "UNKNOWN")
        in_order = sorted(range(len(self.calls)), key=lambda n: self.calls[n].invoked_s)
        known = [n for n in in_order if self.calls[n].outcome != "UNKNOWN"]
        self.changes = [n for n in known if not observes(self.calls[n])]
        self.refusals = [n for n in known if self.calls[n].outcome == "REFUSED"]
        self.open_ended = [
            n for n in in_order if self.calls[n].outcome == "UNKNOWN" and self.calls[n].kind not in READS
        ]
        self.readers: dict[str | None, int] = {}  # value → those who read it
        for number in known:
            if self.calls[number].kind in READS:
                value = self.calls[number].value
                self.readers[value] = self.readers.get(value, 0) | 1 << number

    def _before(self) -> list[int]:
        """For each call, those that must come before it: returned before it began, or earlier in its session."""
        found, sessions = [], dict[str, int]()
        for number, call in enumerate(self.calls):
            own = sessions.get(call.process, 0)
            returned = (1 << bisect_left(self.returns, call.invoked_s)) - 1
            found.append(own if call.kind == "session-read" else returned)
            if call.outcome != "UNKNOWN":
                sessions[call.process] = own | 1 << number
        return found

    def run(self) -> str | None:
        known: set[tuple[int, str | None]] = set()
        todo: list[tuple[int, str | None]] = [(0, None)]
        furthest = 0
        while todo:
            done, state = todo.pop()
            done = self._observe(done, state)
            if done & self.required == self.required:
                return None
            if (done, state) in known:
                continue
            known.add((done, state))
            if len(known) > STEPS_MAX:
                raise Undecided(f"{self.calls[0].path}: {len(self.calls)} calls")
            furthest = max(furthest, done, key=int.bit_count)
            todo += self._next(done, state)
        return self._complaint(furthest)

    def _free(self, number: int, done: int) -> bool:
        return not done >> number & 1 and not self.before[number] & ~done

    def _observe(self, done: int, state: str | None) -> int:
        """Take every observation that fits here: it changes nothing, so taking it can never be wrong."""
        while True:
            took = done
            readers = self.readers.get(state, 0) & ~took
            while readers:
                lowest = readers & -readers
                if not self.before[lowest.bit_length() - 1] & ~took:
                    took |= lowest
                readers ^= lowest
            for number in self.refusals:
                if self._free(number, took) and allows(self.calls[number], state):
                    took |= 1 << number
            if took == done:
                return done
            done = took

    def _next(self, done: int, state: str | None) -> list[tuple[int, str | None]]:
        """Where one more change leads, the most promising last."""
        if state is not None and self.readers.get(state, 0) & ~done:
            return []  # values are unique: whoever read this one must have done so before it is over
        following: list[tuple[int, str | None]] = []
        lowest_open = (~done & (done + 1)).bit_length() - 1
        horizon_s = self.returns[lowest_open]
        idle: set[tuple[str, str | None]] = set()
        for number in self.open_ended:
            call = self.calls[number]
            if not self._free(number, done) or not allows(call, state):
                continue
            if call.kind == "remove" or call.value not in self.seen:
                alike = (call.kind, call.expect)  # of those nobody saw, the oldest will do for all
                if alike in idle:
                    continue
                idle.add(alike)
            following.append((done | 1 << number, after(call, state)))
        for number in self.changes:
            if self.calls[number].invoked_s > horizon_s:
                break
            if self._free(number, done) and allows(self.calls[number], state):
                following.append((done | 1 << number, after(self.calls[number], state)))
        return following

    def _complaint(self, furthest: int) -> str:
        stuck = [call for n, call in enumerate(self.calls) if (self.required & ~furthest) >> n & 1]
        count = (self.required & furthest).bit_count()
        waiting = "; ".join(str(call) for call in stuck[:3])
        return f"{stuck[0].path} is not linearizable: after {count} calls no order fits what comes next: {waiting}"
