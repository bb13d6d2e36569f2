"""Why an event happened, as far as the recorded events of all nodes tell: the nearest earlier event that explains it.

Pure. Nothing is guessed: where no event explains another, nothing is said. Within one life of a daemon events are
compared by its monotonic clock, between nodes by their clocks, which are trusted to `APART_S`.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cluster.flight.recorded import Recorded

BEFORE_S, AFTER_S = 60.0, 5.0  # how far from its effect a cause may lie; links are looked at only now and then
TASK_S = 600.0
_ENDS = {"quorum-gained": "quorum-lost", "store-well": "store-trouble", "engine-back": "engine-lost"}
_VERBS = {"node-gone": "went", "node-here": "came"}


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with the node that recorded it."""

    node: str
    event: Recorded

    @property
    def time_s(self) -> float:
        return self.event.time_s


class Past:
    """All events, in the order of their times, to look for causes in."""

    def __init__(self, events: Sequence[Placed]) -> None:
        self._events = sorted(events, key=lambda one: (one.time_s, one.node, one.event.number))
        self._times = [one.time_s for one in self._events]

    def near(self, at: Placed, before_s: float = BEFORE_S, after_s: float = AFTER_S) -> Iterator[Placed]:
        """Newest first."""
        first = bisect_left(self._times, at.time_s - before_s)
        last = bisect_right(self._times, at.time_s + after_s)
        return (one for one in reversed(self._events[first:last]) if one is not at)


def cause_of(at: Placed, past: Past) -> str:
    """A sentence beginning with `because`; empty when nothing recorded explains the event."""
    find = _BY_CODE.get(at.event.code)
    return find(at, past) if find is not None else ""


# --- by what happened -------------------------------------------------------------------------------------------------


def _node_gone(at: Placed, past: Past) -> str:
    gone = at.event.about
    stopped_s = _stopped(gone, at, past)
    if stopped_s is not None:
        return f"because its service was stopped at {clock(stopped_s)}"
    for one in past.near(at):
        if one.event.code == "node-removed" and one.event.about == gone:
            return f"because it was taken out of the cluster at {clock(one.time_s)}"
    down = _links_down(at, past)
    if down:
        return down
    for one in past.near(at, BEFORE_S, TASK_S):
        if one.node == gone and one.event.code == "started-unclean":
            return f"because its service ended without a word; it began anew at {clock(one.time_s)}"
        if one.node == gone and one.event.code == "engine-lost":
            return f"because its transport was lost: {one.event.sentence}"
    return ""


def _stopped(node: str, at: Placed, past: Past) -> float | None:
    """When the service of a node was stopped, unless it had begun again by then."""
    for one in past.near(at):
        if one.node == node and one.event.code in ("started", "started-unclean") and one.time_s <= at.time_s:
            return None
        if one.node == node and one.event.code == "stopped":
            return one.time_s
    return None


def _links_down(at: Placed, past: Past) -> str:
    """Links between the node that saw it and the one it lost, down by then and not up again."""
    ends = {at.node, at.event.about}
    found: dict[int, tuple[float, str]] = {}
    settled: set[int] = set()
    for one in past.near(at):
        number = one.event.link
        if one.event.kind != "link" or number is None or {one.node, one.event.about} != ends or number in settled:
            continue
        if one.event.code == "link-up" and one.time_s <= at.time_s:
            settled.add(number)
        elif one.event.code == "link-down":
            found[number] = (one.time_s, one.node)  # the earliest, since newer ones come first
    if not found:
        return ""
    numbers = " and ".join(map(str, sorted(found)))
    since_s, seen_by = min(found.values())
    many = "links" if len(found) > 1 else "link"
    were = "were" if len(found) > 1 else "was"
    return f"because its {many} {numbers} to {at.node} {were} down since {clock(since_s)}, as {seen_by} saw"


def _node_here(at: Placed, past: Past) -> str:
    ends = {at.node, at.event.about}
    for one in past.near(at):
        if one.node == at.event.about and one.event.code in ("started", "started-unclean"):
            return f"because its service began at {clock(one.time_s)}"
        if one.event.code == "link-up" and {one.node, one.event.about} == ends:
            return f"because link {one.event.link} between them works again since {clock(one.time_s)}"
    return ""


def _quorum_lost(at: Placed, past: Past) -> str:
    return _members(at, past, "node-gone")


def _quorum_gained(at: Placed, past: Past) -> str:
    return _members(at, past, "node-here")


def _members(at: Placed, past: Past, code: str) -> str:
    names = {one.event.about for one in _own(at, past) if one.event.code == code}
    return f"because {_list(names)} {_VERBS[code]}" if names else ""


def _read_only(at: Placed, past: Past) -> str:
    """Where nothing hinders it, the nodes agree with who came, or without who went."""
    over: set[str] = set()
    moved = ""
    for one in _own(at, past):
        since_s = at.event.mono_s - one.event.mono_s
        if one.event.code in _ENDS and since_s >= 0:
            over.add(_ENDS[one.event.code])
        if one.event.code in over:
            continue
        if one.event.code in _VERBS and 0 <= since_s <= AFTER_S:
            moved = moved or f"because {one.event.about} {_VERBS[one.event.code]}"
        if one.event.code == "quorum-lost":
            return f"because quorum was lost at {clock(one.time_s)}"
        if one.event.code == "store-trouble":
            return f"because of this node's disk: {one.event.sentence}"
        if one.event.code == "engine-lost":
            return f"because its transport was lost at {clock(one.time_s)}"
    return moved


def _writable(at: Placed, past: Past) -> str:
    for one in _own(at, past):
        if one.event.code == "store-writable" and one.event.mono_s < at.event.mono_s:
            return ""  # what was before explains that one
        if one.event.code == "quorum-gained":
            return f"because quorum is there again since {clock(one.time_s)}"
        if one.event.code == "store-well":
            return "because its disk works again"
    return ""


def _link_down(at: Placed, past: Past) -> str:
    peer = at.event.about
    stopped_s = _stopped(peer, at, past)
    if stopped_s is not None:
        return f"because the service of {peer} was stopped at {clock(stopped_s)}"
    for one in past.near(at):
        theirs = one.node == peer and one.event.code == "link-down" and one.event.about == at.node
        if theirs and one.event.link == at.event.link:
            return f"{peer} saw it down too, at {clock(one.time_s)}"
    return ""


def _changed(at: Placed, past: Past) -> str:
    """Configuration that a workflow wrote: the task that was running where it was written."""
    if at.event.door != "workflow":
        return ""
    ended: set[str] = set()
    for one in past.near(at, TASK_S, 0.5):
        if one.node != at.event.by or one.event.kind != "task":
            continue
        if one.event.code != "task-started":
            if one.time_s < at.time_s - 0.5:
                ended.add(one.event.about)
        elif one.event.about not in ended:
            return f"because of the task {_task_name(one.event.about)} of {one.event.user}"
    return ""


def _task_failed(at: Placed, past: Past) -> str:
    for one in past.near(at, BEFORE_S, 1.0):
        if one.node == at.node and one.event.code in ("quorum-lost", "node-gone"):
            what = "quorum was lost" if one.event.code == "quorum-lost" else f"{one.event.about} went"
            return f"while it ran {what}, at {clock(one.time_s)}"
    return ""


_BY_CODE: dict[str, Callable[[Placed, Past], str]] = {
    "node-gone": _node_gone,
    "node-here": _node_here,
    "quorum-lost": _quorum_lost,
    "quorum-gained": _quorum_gained,
    "store-read-only": _read_only,
    "store-writable": _writable,
    "link-down": _link_down,
    "changed": _changed,
    "task-failed": _task_failed,
}


# --- words ------------------------------------------------------------------------------------------------------------


def _own(at: Placed, past: Past) -> Iterator[Placed]:
    """What this node itself recorded close by, in the same life: its monotonic clock decides."""
    for one in past.near(at):
        same = one.node == at.node and one.event.life == at.event.life
        if same and -AFTER_S <= at.event.mono_s - one.event.mono_s <= BEFORE_S:
            yield one


def _list(names: set[str]) -> str:
    ordered = sorted(names)
    return ordered[0] if len(ordered) == 1 else f"{', '.join(ordered[:-1])} and {ordered[-1]}"


def _task_name(upid: str) -> str:
    parts = upid.split(":")
    return " ".join(part for part in parts[5:7] if part) if len(parts) > 6 else upid


def clock(time_s: float) -> str:
    return time.strftime("%H:%M:%S UTC", time.gmtime(time_s))
