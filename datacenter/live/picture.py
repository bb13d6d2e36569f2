"""What is known of the cluster at one change number, and what it is after the next change. Pure.

Knows nothing of sockets, templates or clocks. Where changes come from is `feed.py`; what becomes of them `render.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from cluster.errors import QuireError
from cluster.model import Change, ClusterState, NodeState, StoreState, TaskState, Trends

TASKS_MAX = 50
NO_TRENDS = Trends()


class OutOfStep(QuireError):
    """A change does not follow the picture: something was missed, a new snapshot is needed."""

    code = "out-of-step"


@dataclass(frozen=True, slots=True)
class Picture:
    """The cluster and the tasks at change `number` of the daemon's life `source`. Newest tasks come first."""

    source: str
    number: int
    cluster: ClusterState
    tasks: tuple[TaskState, ...] = ()
    at_s: float = 0.0  # when the event behind the last change arrived; 0 for a snapshot

    def task(self, upid: str) -> TaskState | None:
        return next((task for task in self.tasks if task.upid == upid), None)

    @property
    def running_tasks(self) -> int:
        return sum(task.end_time_s is None for task in self.tasks)


def picture_of(status: Any) -> Picture:
    """The result of the Status request. Raises `OutOfStep` when it is not one."""
    try:
        cluster = msgspec.convert(status["cluster"], ClusterState)
        tasks = msgspec.convert(status["tasks"], tuple[TaskState, ...])
        return Picture(str(status["source"]), int(status["number"]), cluster, newest_first(tasks))
    except (KeyError, TypeError, ValueError) as error:
        raise OutOfStep(f"the daemon's status is not understood: {error}") from error


def read_change(data: Any) -> Change:
    """A change as it travelled. Raises `OutOfStep`."""
    try:
        return msgspec.convert(data, Change)
    except ValueError as error:
        raise OutOfStep(f"a change is not understood: {error}") from error


def after(picture: Picture, change: Change) -> Picture:
    """The picture once `change` has happened. Raises `OutOfStep` unless it is the very next one."""
    if change.number != picture.number + 1:
        raise OutOfStep(f"change {change.number} does not follow {picture.number}")
    try:
        changed = _APPLY[change.topic](picture, change.value) if change.topic in _APPLY else picture
    except (TypeError, ValueError) as error:
        raise OutOfStep(f"change {change.number} is not understood: {error}") from error
    return replace(changed, number=change.number, at_s=change.at_s)


def newest_first(tasks: tuple[TaskState, ...]) -> tuple[TaskState, ...]:
    """Running tasks, then finished ones, each by their start."""
    ordered = sorted(tasks, key=lambda task: (task.end_time_s is not None, -task.start_time_s, task.upid))
    return tuple(ordered[:TASKS_MAX])


def _cluster(picture: Picture, value: Any) -> Picture:
    """Comes without nodes' figures and without the store's state; both stay as they were. Tasks of a node that is
    none of the cluster's any more go with it."""
    new = msgspec.convert(value, ClusterState)
    known = {node.name: node for node in picture.cluster.nodes}
    nodes = tuple(_with_figures(node, known.get(node.name)) for node in new.nodes)
    here = {new.local_node, *(node.name for node in nodes)}
    tasks = tuple(task for task in picture.tasks if task.node in here)
    return replace(picture, cluster=replace(new, nodes=nodes, store=new.store or picture.cluster.store), tasks=tasks)


def _with_figures(node: NodeState, before: NodeState | None) -> NodeState:
    if before is None or node.online is False:
        return replace(
            node,
            sample=node.sample or (before.sample if before is not None else None),
            trends=before.trends if before is not None and node.trends == NO_TRENDS else node.trends,
        )
    return replace(
        node,
        sample=node.sample or before.sample,
        link_states=node.link_states or before.link_states,
        totem=node.totem or before.totem,
        clock_apart_s=node.clock_apart_s or before.clock_apart_s,
        trends=before.trends if node.trends == NO_TRENDS else node.trends,
    )


def _node(picture: Picture, value: Any) -> Picture:
    new = msgspec.convert(value, NodeState)
    nodes = tuple(new if node.name == new.name else node for node in picture.cluster.nodes)
    return replace(picture, cluster=replace(picture.cluster, nodes=nodes))


def _store(picture: Picture, value: Any) -> Picture:
    store = msgspec.convert(value, StoreState | None)
    return replace(picture, cluster=replace(picture.cluster, store=store))


def _task(picture: Picture, value: Any) -> Picture:
    new = msgspec.convert(value, TaskState)
    others = tuple(task for task in picture.tasks if task.upid != new.upid)
    return replace(picture, tasks=newest_first((new, *others)))


_APPLY = {"cluster": _cluster, "node": _node, "store": _store, "task": _task}
