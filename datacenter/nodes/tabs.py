"""The tabs of a node's page beside its summary: what each asks the API, and how the answer is listed. Pure.

A tab is data; `views.py` asks and renders. What a node tells of its host is `datacenter/api/host.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_noop as _

JOURNAL_LINES = 200


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is the field of the API's row; `kind` is text, said (a sentence of the daemon), num, address or time."""

    label: str
    key: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    label: str
    value: Any
    kind: str


@dataclass(frozen=True, slots=True)
class NodeTab:
    """`path` is below /nodes/{node}/. With `every_s` its content is asked for again that often."""

    name: str
    label: str
    title: str
    path: str
    columns: tuple[Column, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    empty: str = _("There is nothing to show.")
    hint: str = ""
    every_s: int = 0


TABS = (
    NodeTab(
        "network", _("Network"), _("Network interfaces"), "network",
        (Column(_("Interface"), "iface"), Column(_("Type"), "type"), Column("IPv4", "cidr", "address"),
         Column("IPv6", "cidr6", "address"), Column(_("Advice"), "advice", "said")),
        empty=_("This node has no interface with an address."),
    ),
    NodeTab(
        "time", _("Time"), _("Clock"), "time",
        (Column(_("Time"), "time", "time"), Column(_("Time zone"), "timezone")), every_s=10,
        hint=_("Nodes whose clocks differ refuse each other's tickets: keep a time service running on every node."),
    ),
    NodeTab(
        "services", _("Services"), _("Services"), "services",
        (Column(_("Service"), "desc"), Column(_("Unit"), "service"), Column(_("State"), "state"),
         Column(_("Active"), "active-state"), Column(_("At boot"), "unit-state")),
        empty=_("No service of those a cluster leans on is known here."), every_s=10,
    ),
    NodeTab(
        "journal", _("Journal"), _("Journal"), "journal", given={"lastentries": str(JOURNAL_LINES)}, every_s=3,
        empty=_("No journal is kept on this node."),
    ),
    NodeTab(
        "certificates", _("Certificates"), _("Certificates"), "certificates/info",
        (Column(_("File"), "filename"), Column(_("Subject"), "subject"), Column(_("Issuer"), "issuer"),
         Column(_("Valid until"), "notafter", "time"), Column(_("Fingerprint"), "fingerprint", "fingerprint")),
        empty=_("This node has no certificate yet."),
    ),
    NodeTab(
        "updates", _("Updates"), _("Versions"), "status",
        (Column("Quire", "pveversion"), Column(_("Kernel"), "kversion")),
        hint=_("Quire installs nothing by itself: update with the host's own package manager, one node after another."),
    ),
    NodeTab(
        "tasks", _("Tasks"), _("Tasks of this node"), "tasks",
        (Column(_("Start"), "starttime", "time"), Column(_("End"), "endtime", "time"), Column(_("Type"), "type"),
         Column(_("For"), "id"), Column(_("User"), "user"), Column(_("Status"), "status")),
        empty=_("No task has run on this node yet."), every_s=10,
    ),
)  # fmt: skip


def named(name: str) -> NodeTab | None:
    return next((tab for tab in TABS if tab.name == name), None)


def listed(tab: NodeTab, answer: Any) -> list[list[Cell]]:
    """The answer's rows as cells, in the order of the tab's columns; a single object is a row of its own."""
    rows = answer if isinstance(answer, list) else [answer]
    return [[Cell(column.label, row.get(column.key), column.kind) for column in tab.columns] for row in rows]
