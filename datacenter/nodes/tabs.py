"""The tabs of a node's page beside its summary: what each asks the API, and how the answer is listed. Pure.

A tab is data; `views.py` asks and renders. What a node tells of its host is `datacenter/api/host.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JOURNAL_LINES = 200


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is the field of the API's row; `kind` is text, num, address or time."""

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
    empty: str = "There is nothing to show."
    hint: str = ""
    every_s: int = 0


TABS = (
    NodeTab(
        "network", "Network", "Network interfaces", "network",
        (Column("Interface", "iface"), Column("Type", "type"), Column("IPv4", "cidr", "address"),
         Column("IPv6", "cidr6", "address"), Column("Advice", "advice")),
        empty="This node has no interface with an address.",
    ),
    NodeTab(
        "time", "Time", "Clock", "time",
        (Column("Time", "time", "time"), Column("Time zone", "timezone")), every_s=10,
        hint="Nodes whose clocks differ refuse each other's tickets: keep a time service running on every node.",
    ),
    NodeTab(
        "services", "Services", "Services", "services",
        (Column("Service", "desc"), Column("Unit", "service"), Column("State", "state"),
         Column("Active", "active-state"), Column("At boot", "unit-state")),
        empty="No service of those a cluster leans on is known here.", every_s=10,
    ),
    NodeTab(
        "journal", "Journal", "Journal", "journal", given={"lastentries": str(JOURNAL_LINES)}, every_s=3,
        empty="No journal is kept on this node.",
    ),
    NodeTab(
        "certificates", "Certificates", "Certificates", "certificates/info",
        (Column("File", "filename"), Column("Subject", "subject"), Column("Issuer", "issuer"),
         Column("Valid until", "notafter", "time"), Column("Fingerprint", "fingerprint", "fingerprint")),
        empty="This node has no certificate yet.",
    ),
    NodeTab(
        "updates", "Updates", "Versions", "status",
        (Column("Quire", "pveversion"), Column("Kernel", "kversion")),
        hint="Quire installs nothing by itself: update with the host's own package manager, one node after another.",
    ),
    NodeTab(
        "tasks", "Tasks", "Tasks of this node", "tasks",
        (Column("Start", "starttime", "time"), Column("End", "endtime", "time"), Column("Type", "type"),
         Column("For", "id"), Column("User", "user"), Column("Status", "status")),
        empty="No task has run on this node yet.", every_s=10,
    ),
)  # fmt: skip


def named(name: str) -> NodeTab | None:
    return next((tab for tab in TABS if tab.name == name), None)


def listed(tab: NodeTab, answer: Any) -> list[list[Cell]]:
    """The answer's rows as cells, in the order of the tab's columns; a single object is a row of its own."""
    rows = answer if isinstance(answer, list) else [answer]
    return [[Cell(column.label, row.get(column.key), column.kind) for column in tab.columns] for row in rows]
