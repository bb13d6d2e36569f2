"""Changes as HTML: the fragments that every open page is sent, out-of-band pieces with the ids they replace.

The same templates make a page's first rendering. A page ignores fragments for what it does not show. What changed is
found by comparing two pictures, so that a row is touched only when something in it is different.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string

from cluster.model import Change, NodeState
from datacenter.live.picture import Picture
from datacenter.pages import shown
from datacenter.tasks.log import Line

if TYPE_CHECKING:
    from datacenter.live.feed import Flow

# What depends on which nodes there are, the quorum and the configuration: replaced whole when one of these changes.
ABOUT_THE_CLUSTER = (
    "shell/_tree.html",
    "membership/_information.html",
    "membership/_quorum.html",
    "membership/_nodes.html",
    "membership/_health.html",
)
TASKS_FOLLOWED = 5  # an open task window is about one of the newest


def everything(picture: Picture, flow: Flow) -> str:
    """All there is, for a page whose state is unknown or old."""
    parts = Parts(picture)
    parts.add(*ABOUT_THE_CLUSTER, "membership/_totals.html", "nodes/_local_fingerprint.html")
    parts.add("tasks/_list.html", "tasks/_running.html")
    for node in picture.cluster.nodes:
        parts.add("nodes/_card.html", "nodes/_readings.html", node=node)
    for task in picture.tasks[:TASKS_FOLLOWED]:
        parts.add("tasks/_status.html", "tasks/_stop.html", task=task)
    return parts.html() + _render_flow(flow)


def nothing_new(picture: Picture, flow: Flow) -> str:
    """For a page that shows all there is."""
    return _render_flow(flow) + _mark(picture)


def difference(before: Picture, now: Picture, change: Change) -> str:
    """What a page that shows `before` needs to show `now`; empty when no page shows what changed."""
    parts = Parts(now)
    if change.topic in _BY_TOPIC:
        _BY_TOPIC[change.topic](parts, before, now, change.value or {})
    return parts.html()


def flow(state: Flow) -> str:
    return _render_flow(state)


def pulse() -> str:
    """Says nothing but that the socket lives."""
    return render_to_string("live/_pulse.html")


def log_lines(upid: str, lines: list[Line]) -> str:
    """Lines to add to a task window's log."""
    return render_to_string("tasks/_log_added.html", {"upid": upid, "lines": lines})


def whole_log(upid: str, lines: list[Line]) -> str:
    """A task window's log from its beginning."""
    return render_to_string("tasks/_log.html", {"upid": upid, "lines": lines, "pushed": True})


class Parts:
    """The fragments of one message, rendered from one picture."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._context = {**shown(picture), "pushed": True}
        self._parts: list[str] = []

    def add(self, *templates: str, **more: Any) -> None:
        self._parts += [render_to_string(template, {**self._context, **more}) for template in templates]

    def html(self) -> str:
        """Empty when nothing was added; otherwise it ends with the mark."""
        return "".join([*self._parts, _mark(self._picture)]) if self._parts else ""


# --- by topic ---------------------------------------------------------------------------------------------------------


def _cluster(parts: Parts, before: Picture, now: Picture, value: dict[str, Any]) -> None:
    parts.add(*ABOUT_THE_CLUSTER, "membership/_totals.html")
    for node in now.cluster.nodes:
        _bare_node(parts, before.cluster.node(node.name), node)


def _node(parts: Parts, before: Picture, now: Picture, value: dict[str, Any]) -> None:
    old, new = before.cluster.node(str(value.get("name"))), now.cluster.node(str(value.get("name")))
    if new is None:
        return
    if old is None or _bare(old) != _bare(new):
        parts.add("membership/_node_state.html", "shell/_tree_state.html", node=new)
        parts.add("membership/_health.html", "membership/_quorum.html")
        _bare_node(parts, old, new)
    parts.add("membership/_node_readings.html", "nodes/_readings.html", node=new)
    parts.add("membership/_totals.html")


def _bare_node(parts: Parts, old: NodeState | None, new: NodeState) -> None:
    if old is not None and _bare(old) == _bare(new):
        return
    parts.add("nodes/_card.html", "nodes/_readings.html", node=new)
    if new.local:
        parts.add("nodes/_local_fingerprint.html")


def _task(parts: Parts, before: Picture, now: Picture, value: dict[str, Any]) -> None:
    task, known = now.task(str(value.get("upid"))), before.task(str(value.get("upid")))
    if task is None:
        return
    parts.add("tasks/_status.html", "tasks/_stop.html", task=task)
    if known is not None and (known.end_time_s is None) == (task.end_time_s is None):
        parts.add("tasks/_row.html", task=task)
    else:
        parts.add("tasks/_list.html", "tasks/_running.html")


def _store(parts: Parts, before: Picture, now: Picture, value: dict[str, Any]) -> None:
    """Its revision rises with every write and no page shows it; whether it can be written does matter."""
    old, new = before.cluster.store, now.cluster.store
    if old is None or new is None or (old.writable, old.reason) != (new.writable, new.reason):
        parts.add("membership/_quorum.html", "membership/_health.html")


_BY_TOPIC = {"cluster": _cluster, "node": _node, "task": _task, "store": _store}


# --- small ones -------------------------------------------------------------------------------------------------------


def _render_flow(state: Flow) -> str:
    return render_to_string("live/_flow.html", {"flow": state, "pushed": True})


def _mark(picture: Picture) -> str:
    """Which change the page now shows, and when the event behind it arrived: event-to-pixel time is measured by it."""
    return render_to_string("live/_mark.html", {"picture": picture, "pushed": True})


def _bare(node: NodeState) -> tuple[Any, ...]:
    """All but the figures that change every second."""
    return (node.online, node.since_s, node.votes, node.links, node.address, node.local, node.fingerprint)
