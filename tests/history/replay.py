"""The fast checker: it trusts that an answer's revision is the change's place in the order, and replays them in it.

Complete where every change has its outcome. A change that stayed UNKNOWN has no place; a read may show its value once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import attrgetter

from tests.history.call import CHANGES, READS, Call
from tests.history.register import after, allows

Log = Mapping[int, str]  # index → request id, as one node has it in the end


def check(calls: Sequence[Call], logs: Sequence[Log] = ()) -> str | None:
    """A sentence when the answers contradict their revisions or the logs, None when all is well."""
    done = sorted((c for c in calls if c.kind in CHANGES and c.outcome == "OK"), key=attrgetter("index"))
    return (
        _unique_and_rising(done)
        or _as_time_went(calls)
        or _sessions_go_forward(calls)
        or _replayed(calls)
        or _kept(done, logs)
    )


def _unique_and_rising(done: Sequence[Call]) -> str | None:
    for one, two in zip(done, done[1:], strict=False):
        if one.index == two.index:
            return f"two changes have one place: {one} and {two}"
        if one.revision is not None and two.revision is not None and one.revision[0] > two.revision[0]:
            return f"an epoch goes down: {one} and {two}"
    unplaced = [call for call in done if call.revision is None]
    return f"{unplaced[0]} has no revision" if unplaced else None


def _as_time_went(calls: Sequence[Call]) -> str | None:
    """What was invoked after another had returned stands after it; a linearizable read has seen it."""
    strong = [call for call in calls if call.kind != "session-read" and call.revision is not None]
    returned = sorted((call for call in strong if call.kind in CHANGES), key=attrgetter("returned_s"))
    newest, place = None, 0
    for call in sorted(strong, key=attrgetter("invoked_s")):
        while place < len(returned) and returned[place].returned_s < call.invoked_s:
            newest = max(newest or returned[place], returned[place], key=attrgetter("index"))
            place += 1
        if newest is not None and call.index < newest.index + (call.kind in CHANGES):
            return f"{call} does not follow {newest}, which had returned before"
    return None


def _sessions_go_forward(calls: Sequence[Call]) -> str | None:
    latest: dict[str, Call] = {}
    for call in sorted(calls, key=attrgetter("invoked_s")):
        if call.revision is None:
            continue
        known = latest.get(call.process)
        if known is not None and known.returned_s <= call.invoked_s and call.index < known.index:
            return f"a session goes back: {call} after {known}"
        if known is None or call.index > known.index:
            latest[call.process] = call
    return None


def _replayed(calls: Sequence[Call]) -> str | None:
    paths: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        if call.kind != "lock":
            paths[call.path].append(call)
    for path in sorted(paths):
        complaint = _replay_path(paths[path])
        if complaint is not None:
            return complaint
    return None


def _replay_path(calls: Sequence[Call]) -> str | None:
    """Changes in their order, and each read in its place among them: behind the change of the same index."""
    loose = [call for call in calls if call.kind in CHANGES and call.outcome == "UNKNOWN"]
    state: str | None = None
    placed = [call for call in calls if call.outcome == "OK" and call.revision is not None]
    for call in sorted(placed, key=lambda one: (one.index, one.kind in READS)):
        if not allows(call, state):
            wanted = call.value if call.kind in READS else call.expect
            cause = next((one for one in loose if _explains(one, call, wanted)), None)
            if cause is None:
                return f"where {call} stands, {call.path} holds {state}"
            loose.remove(cause)
            state = after(cause, state)
        state = after(call, state)
    return None


def _explains(loose: Call, call: Call, wanted: str | None) -> bool:
    """May a change of unknown outcome be why this call did not find what the replay expected?"""
    if loose.invoked_s > call.returned_s:
        return False
    if call.kind in ("create", "remove"):
        return (loose.kind == "remove") is (call.kind == "create")
    return wanted is None if loose.kind == "remove" else loose.value == wanted


def _kept(done: Sequence[Call], logs: Sequence[Log]) -> str | None:
    for log in logs:
        for call in done:
            if call.request_id and log.get(call.index) != call.request_id:
                return f"{call} is not in a log that should have it"
    return None


def refused_with_reason(calls: Sequence[Call]) -> str | None:
    """Every refusal fits some value its path had between what was known before it and what came after it."""
    paths: defaultdict[str, list[Call]] = defaultdict(list)
    for call in calls:
        if call.outcome != "UNKNOWN" and call.kind in CHANGES:
            paths[call.path].append(call)
    for path in sorted(paths):
        if any(call.outcome == "UNKNOWN" and call.path == path for call in calls):
            continue
        done = sorted((c for c in paths[path] if c.outcome == "OK"), key=attrgetter("index"))
        indexes = [call.index for call in done]
        states: list[str | None] = [None]
        for call in done:
            states.append(after(call, states[-1]))
        for call in paths[path]:
            if call.outcome == "REFUSED":
                low = max((c.index for c in done if c.returned_s < call.invoked_s), default=0)
                high = min((c.index for c in done if c.invoked_s > call.returned_s), default=1 << 62)
                window = states[bisect_right(indexes, low) : bisect_right(indexes, high - 1) + 1]
                if not any(allows(call, state) for state in window):
                    return f"{call} had no reason: {path} held {window}"
    return None
