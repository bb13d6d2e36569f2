"""The cluster's tasks as rows, and which of them fit a filter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext_noop as _

from cluster.model import TaskState
from datacenter.tasks.state import description, level

FILTERS = ("node", "user", "type", "status")
STATUSES = (("running", _("Running")), ("good", "OK"), ("warning", _("Warnings")), ("bad", _("Failed")))


def task_of(row: Mapping[str, Any]) -> TaskState:
    """A row of any of the API's lists; where it runs, its own node knows more."""
    user = row["user"] + (f"!{row['tokenid']}" if row.get("tokenid") else "")
    ended = row.get("endtime")
    status = str(row.get("exitstatus") or row.get("status") or "") if ended or row.get("exitstatus") else ""
    return TaskState(
        row["upid"], row["node"], int(row.get("pid") or 0), int(row.get("pstart") or 0), int(row["starttime"]),
        row["type"], row["id"], user, int(ended) if ended else None, status,
    )  # fmt: skip


def chosen(tasks: Iterable[TaskState], wanted: Mapping[str, str]) -> list[TaskState]:
    return [task for task in tasks if _fits(task, wanted)]


def _fits(task: TaskState, wanted: Mapping[str, str]) -> bool:
    return (
        wanted["node"] in ("", task.node)
        and wanted["user"].lower() in task.user.lower()
        and wanted["type"] in ("", task.type)
        and wanted["status"] in ("", level(task))
    )


def types_of(tasks: Iterable[TaskState]) -> list[tuple[str, str]]:
    return sorted({task.type: description(task) for task in tasks}.items())
