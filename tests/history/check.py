"""Both checkers over one history. They must agree: on a store that keeps its contract, neither has anything to say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tests.history import fencing, linear, replay
from tests.history.call import Call


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sentence each, empty when all is well. `undecided` are paths whose search became too long."""

    trusting: str = ""
    black_box: str = ""
    undecided: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        return not self.trusting and not self.black_box and not self.undecided

    def __str__(self) -> str:
        found = [f"by revisions: {self.trusting}"] if self.trusting else []
        found += [f"by black box: {self.black_box}"] if self.black_box else []
        return "; ".join([*found, *(f"undecided: {one}" for one in self.undecided)]) or "well"


def judge(calls: Sequence[Call], logs: Sequence[replay.Log] = ()) -> Verdict:
    black_box, undecided = by_black_box(calls)
    trusting = replay.check(calls, logs) or replay.refused_with_reason(calls)
    return Verdict(trusting or "", black_box, undecided)


def by_black_box(calls: Sequence[Call]) -> tuple[str, tuple[str, ...]]:
    """The first complaint of the one that trusts no revision, and what it could not decide."""
    paths: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        if call.kind != "lock":
            paths[call.path].append(call)
    undecided: list[str] = []
    complaint = fencing.check(calls)
    for path in sorted(paths):
        try:
            complaint = complaint or linear.check_path(paths[path])
        except linear.Undecided as reason:
            undecided.append(str(reason))
    return complaint or "", tuple(undecided)


def findings(calls: Sequence[Call], logs: Sequence[replay.Log] = ()) -> list[str]:
    """What both have to say; empty when all is well."""
    verdict = judge(calls, logs)
    return [] if verdict.well else [str(verdict)]
