"""The tabs of the Datacenter page, in their order, and who has each: one that may not be used is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from datacenter.api.call import Call
from datacenter.api.permission import AUDIT, SIGNED_IN, Permission, permitted


@dataclass(frozen=True, slots=True)
class Tab:
    """`view` names its address."""

    name: str
    label: str
    view: str
    permission: Permission = SIGNED_IN


TABS = (
    Tab("summary", "Summary", "summary", AUDIT),
    Tab("cluster", "Cluster", "cluster", AUDIT),
    Tab("what-if", "What if", "what-if", AUDIT),
    Tab("options", "Options", "options", AUDIT),
    Tab("permissions", "Permissions", "permissions"),
    Tab("tasks", "Tasks", "tasks"),
    Tab("log", "Cluster log", "log"),
    Tab("events", "Events", "events", AUDIT),
    Tab("alerts", "Alerts", "alerts", AUDIT),
    Tab("config", "Config", "config"),
    Tab("api", "API", "api"),
)


async def tabs(request: Any) -> list[Tab]:
    call = Call.of(request)
    return [tab for tab in TABS if await permitted(call, tab.permission)]
