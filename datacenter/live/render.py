"""Changes as HTML: the fragments that every open page is sent, out-of-band pieces with the ids they replace.

The same templates make a page's first rendering. A page ignores fragments for what it does not show. What changed is
found by comparing two pictures, so that a row is touched only when something in it is different.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string

from cluster.model import Change, NodeState, StoreState, TaskState
from datacenter.live.outlet import Fragments
from datacenter.live.picture import Picture
from datacenter.membership import heat, link_cells, topology, words
from datacenter.pages import shown
from datacenter.tasks.log import Line

if TYPE_CHECKING:
    from datacenter.live.feed import Flow

# What depends on which nodes there are, the quorum and the configuration: replaced whole when one of these changes.
ABOUT_THE_CLUSTER = (
    "shell/_tree.html",
    "shell/_read_only.html",
    "shell/_lowered.html",
    "membership/_information.html",
    "membership/_quorum.html",
    "membership/_witness.html",
    "membership/_nodes.html",
    "membership/_link_states.html",
    "membership/_topology.html",
    "summary/_health.html",
    "summary/_votes.html",
    "summary/_nodes.html",
    "summary/_alerts.html",
    "summary/_advice.html",
)
CURVES = ("membership/_node_cpu_trend.html", "membership/_node_memory_trend.html")
CONFIGURATION = "@config"  # what the page of the configuration says it is about; no node has such a name
EVENTS = "@events"  # likewise, the page of events
LINKS = "@links"  # and the page of the cluster, for its maps of latencies
MESSAGE_CHARS = 40_000  # a fragment larger than that travels alone
TASKS_FOLLOWED = 5  # an open task window is about one of the newest


def everything(picture: Picture, flow: Flow) -> tuple[str, ...]:
    """All there is, for a page whose state is unknown or old; what a node's own page shows is `node_page`."""
    parts = Parts(picture)
    parts.add("live/_flow.html", flow=flow)
    _whole(parts, picture)
    parts.add("tasks/_list.html", "tasks/_running.html")
    followed = [task for task in picture.tasks if _is_followed(task, picture)]
    for task in followed[:TASKS_FOLLOWED]:
        parts.add("tasks/_status.html", "tasks/_stop.html", task=task)
    return parts.messages(whole=True)


def nothing_new(picture: Picture, flow: Flow) -> tuple[str, ...]:
    """For a page that shows all there is."""
    parts = Parts(picture)
    parts.add("live/_flow.html", flow=flow)
    return parts.messages(whole=True)


def difference(before: Picture, now: Picture, changes: Sequence[Change], told: int = 0) -> Fragments:
    """What a page that shows `before` needs to show `now`, after these changes; `told` is the change that pages last
    heard of. The moment it tells of is the first change's: who waited longest counts."""
    first_s = min((change.at_s for change in changes if change.at_s), default=now.at_s)
    parts = Parts(replace(now, at_s=first_s), told)
    about = {(change.topic, _subject(change)): change for change in changes}
    for change in about.values():
        if change.topic in _BY_TOPIC:
            _BY_TOPIC[change.topic](parts, before, now, change.value or {})
    arrived = frozenset({EVENTS} if any(change.topic == "event" for change in changes) else ())
    return Fragments(parts.messages(), arrived.union(_what_differs(before, now)))


def _subject(change: Change) -> str:
    """Of several changes of one thing the last one tells all."""
    value = change.value if isinstance(change.value, dict) else {}
    return str(value.get({"node": "name", "check": "id"}.get(change.topic, "upid"), ""))


def node_page(picture: Picture, name: str) -> tuple[str, ...]:
    """What the page of this node shows; of the configuration's page, that it may have something to fetch."""
    node, parts = picture.cluster.node(name), Parts(picture)
    if name == CONFIGURATION:
        parts.add("configs/_revision.html", "live/_store_changed.html")
    elif name == EVENTS:
        parts.add("flight/_arrived.html", "live/_store_changed.html", "summary/_events_arrived.html")
    elif name == LINKS and not link_cells.shows_each_peer(picture.cluster):
        parts.add("membership/_heat.html")
    elif node is not None:
        parts.add("nodes/_card.html", "nodes/_readings.html", node=node)
    return parts.unmarked()


def task_window(picture: Picture, upid: str) -> tuple[str, ...]:
    """How a task stands, for a page that begins to show it."""
    task, parts = picture.task(upid), Parts(picture)
    if task is not None and _is_followed(task, picture):
        parts.add("tasks/_status.html", "tasks/_stop.html", task=task)
    return parts.unmarked()


def flow(state: Flow) -> Fragments:
    return Fragments((render_to_string("live/_flow.html", {"flow": state, "pushed": True}),))


def pulse() -> str:
    """Says nothing but that the socket lives."""
    return render_to_string("live/_pulse.html")


def log_lines(upid: str, lines: list[Line]) -> str:
    """Lines to add to a task window's log."""
    return render_to_string("tasks/_log_added.html", {"upid": upid, "lines": lines})


def findings(check: dict[str, Any]) -> str:
    """What a check has found so far, for a page that begins to show it."""
    return render_to_string("membership/_findings.html", {"check": check, "pushed": True})


def whole_log(upid: str, lines: list[Line]) -> str:
    """A task window's log from its beginning."""
    return render_to_string("tasks/_log.html", {"upid": upid, "lines": lines, "pushed": True})


class Parts:
    """The fragments of one change, rendered from one picture, in messages of a size that sockets take."""

    def __init__(self, picture: Picture, told: int = 0) -> None:
        self._picture, self._told = picture, told
        self._context = {**shown(picture), "pushed": True}
        self._parts: dict[tuple[str, tuple[int, ...]], str] = {}
        self._asked: list[dict[str, Any]] = []

    def add(self, *templates: str, **more: Any) -> None:
        """Each is rendered once, however many changes ask for it."""
        self._asked.append(more)  # what is alive keeps its id
        about = tuple(id(value) for value in more.values())
        for template in templates:
            if (template, about) not in self._parts:
                self._parts[template, about] = render_to_string(template, {**self._context, **more})

    def messages(self, whole: bool = False) -> tuple[str, ...]:
        """Each ends with the mark: which change it belongs to and which one came before, so that the page knows
        when it missed one. None when nothing was added."""
        mark = {**self._context, "told": self._told, "whole": whole}
        return tuple(
            message + render_to_string("live/_mark.html", {**mark, "part": part})
            for part, message in enumerate(self.unmarked())
        )

    def unmarked(self) -> tuple[str, ...]:
        """What is not about a change but about now: a page takes it in whatever came before."""
        messages: list[str] = []
        for part in self._parts.values():
            if not messages or len(messages[-1]) + len(part) > MESSAGE_CHARS:
                messages.append(part)
            else:
                messages[-1] += part
        return tuple(messages)


# --- by topic ---------------------------------------------------------------------------------------------------------


def _cluster(parts: Parts, before: Picture, now: Picture, value: dict[str, Any]) -> None:
    _whole(parts, now)


def _whole(parts: Parts, now: Picture) -> None:
    """Tables first and their curves after them, so that no message is too large."""
    parts.add(*ABOUT_THE_CLUSTER, "summary/_totals.html", "nodes/_local_fingerprint.html", without_curves=True)
    for node in now.cluster.nodes:
        if node.trends.cpu or node.trends.memory:
            parts.add(*CURVES, node=node)


def _node(parts: Parts, before: Picture, now: Picture, value: dict[str, Any]) -> None:
    old, new = before.cluster.node(str(value.get("name"))), now.cluster.node(str(value.get("name")))
    if new is None:
        return
    if old is None or _bare(old) != _bare(new):
        parts.add("membership/_node_state.html", "shell/_tree_state.html", node=new)
        parts.add("membership/_quorum.html", "summary/_votes.html", "nodes/_local_fingerprint.html")
        parts.add("shell/_read_only.html")
    if old is None or old.sample != new.sample:
        parts.add("membership/_node_readings.html", node=new)
        parts.add("summary/_totals.html")
    if old is None or old.trends != new.trends:
        parts.add(*CURVES, node=new)
    looks_different = old is None or topology.looks_different(old, new)
    if looks_different:
        parts.add("membership/_topology.html")
    if looks_different or old is None or _judged(old) != _judged(new):
        parts.add("summary/_health.html", "summary/_advice.html")
    for cell in link_cells.changed(before.cluster, now.cluster, new.name, words.link_numbers(now.cluster)):
        parts.add("membership/_link_cell.html", cell=cell)


def _task(parts: Parts, before: Picture, now: Picture, value: dict[str, Any]) -> None:
    task, known = now.task(str(value.get("upid"))), before.task(str(value.get("upid")))
    if task is None:
        return
    if _is_followed(task, now):
        parts.add("tasks/_status.html", "tasks/_stop.html", task=task)
    if known is not None and (known.end_time_s is None) == (task.end_time_s is None):
        parts.add("tasks/_row.html", task=task)
    else:
        parts.add("tasks/_list.html", "tasks/_running.html")


def _is_followed(task: TaskState, picture: Picture) -> bool:
    """A window about another node's task asks that node, which knows more of it than is told here."""
    return task.node == picture.cluster.local_node


def _store(parts: Parts, before: Picture, now: Picture, value: dict[str, Any]) -> None:
    """Its revision rises with every write and no page shows it; whether it can be written does matter."""
    old, new = before.cluster.store, now.cluster.store
    if old is None or new is None or _about(old) != _about(new):
        parts.add("membership/_quorum.html", "summary/_health.html", "shell/_read_only.html")


def _about(store: StoreState) -> tuple[bool, str, str, tuple[str, ...]]:
    return store.writable, store.reason, store.trouble, store.lagging


def _log(parts: Parts, before: Picture, now: Picture, value: dict[str, Any]) -> None:
    """What was logged is not for everybody to see: a page that shows the log asks for it."""
    parts.add("live/_log_mark.html")


def _check(parts: Parts, before: Picture, now: Picture, value: dict[str, Any]) -> None:
    """Whole each time: a page that missed one is right again with the next."""
    parts.add("membership/_findings.html", check=value)


_BY_TOPIC = {"check": _check, "cluster": _cluster, "node": _node, "task": _task, "store": _store, "log": _log}


def _what_differs(before: Picture, now: Picture) -> Iterator[str]:
    if before.cluster.nodes is not now.cluster.nodes:
        known = {node.name: node for node in before.cluster.nodes}
        yield from (node.name for node in now.cluster.nodes if known.get(node.name) != node)
        if len(known) != len(now.cluster.nodes) or (
            not link_cells.shows_each_peer(now.cluster)
            and any(heat.looks_different(known.get(node.name), node) for node in now.cluster.nodes)
        ):
            yield LINKS
    if before.cluster.store != now.cluster.store:
        yield CONFIGURATION


def _judged(node: NodeState) -> tuple[Any, ...]:
    """What health and advice look at beside what is drawn."""
    return node.since_s, node.version, node.certificate_ends_s, node.clock_apart_s


def _bare(node: NodeState) -> tuple[Any, ...]:
    """All but the figures that change every second."""
    return (node.online, node.since_s, node.votes, node.links, node.address, node.local, node.fingerprint)
