"""A task in words: what it does, how it stands, and for which level of attention. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from cluster.errors import Unavailable
from cluster.model import TaskState

DESCRIPTIONS = {
    "clustercreate": "Create Cluster",
    "clusterjoin": "Join Cluster",
    "clusteraddnode": "Add Node",
    "clusterleave": "Leave Cluster",
    "clusterremove": "Remove Node",
}


def read_task(data: Any) -> TaskState:
    """Raises Unavailable when the daemon's answer is not a task."""
    try:
        return msgspec.convert(data, TaskState)
    except ValueError as error:
        raise Unavailable(f"this node's service answered with nonsense: {error}") from error


def description(task: TaskState) -> str:
    """`Create Cluster`; a type nobody has named is shown as it is."""
    return DESCRIPTIONS.get(task.type, f"{task.type} {task.id}".strip())


def level(task: TaskState) -> str:
    """One of running, good, warning, bad."""
    if task.end_time_s is None:
        return "running"
    if task.status == "OK":
        return "good"
    return "warning" if task.status.startswith("WARNINGS") else "bad"


def word(task: TaskState) -> str:
    return {"running": "Running", "good": "OK", "warning": "Warnings", "bad": "Failed"}[level(task)]
