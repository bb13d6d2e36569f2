"""A task in words: what it does, how it stands, and for which level of attention. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
from django.utils.translation import gettext_noop as _

from cluster.errors import Unavailable
from cluster.model import TaskState

DESCRIPTIONS = {
    "clustercreate": _("Create Cluster"),
    "clusterjoin": _("Join Cluster"),
    "clusteraddnode": _("Add Node"),
    "clusterleave": _("Leave Cluster"),
    "clusterundojoin": _("Undo Join"),
    "clusterremove": _("Remove Node"),
    "clusterlinks": _("Change Links"),
    "clusterwitness": _("Set Up Witness"),
    "witnessremove": _("Remove Witness"),
    "clusterrename": _("Rename"),
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
    return {"running": _("Running"), "good": "OK", "warning": _("Warnings"), "bad": _("Failed")}[level(task)]
