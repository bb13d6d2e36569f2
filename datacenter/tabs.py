"""The tabs of the Datacenter page, in their order, and who has each: one that may not be used is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_noop as _

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
    Tab("summary", _("Summary"), "summary", AUDIT),
    Tab("cluster", _("Cluster"), "cluster", AUDIT),
    Tab("what-if", _("What if"), "what-if", AUDIT),
    Tab("options", _("Options"), "options", AUDIT),
    Tab("permissions", _("Permissions"), "permissions"),
    Tab("tasks", _("Tasks"), "tasks"),
    Tab("log", _("Cluster log"), "log"),
    Tab("events", _("Events"), "events", AUDIT),
    Tab("alerts", _("Alerts"), "alerts", AUDIT),
    Tab("config", _("Config"), "config", AUDIT),
    Tab("api", _("API"), "api"),
)


async def tabs(request: Any) -> list[Tab]:
    call = Call.of(request)
    return [tab for tab in TABS if await permitted(call, tab.permission)]
