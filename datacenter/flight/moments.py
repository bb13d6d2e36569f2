"""Events as the page shows them: what several nodes recorded of one happening is one row, with a cell per node. Pure.

A change of the configuration is the same one where its revision is; anything else where it has the same name, is about
the same thing and was recorded within `TOGETHER_S`. What is asked of the daemon is `views.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TOGETHER_S = 4.0
LEVELS = {
    "bad": ("node-gone", "quorum-lost", "link-down", "store-read-only", "store-trouble", "engine-lost", "task-failed"),
    "warning": ("started-unclean", "stopped", "node-removed", "cluster-left"),
    "good": ("node-here", "quorum-gained", "link-up", "store-writable", "store-well", "engine-back", "started"),
}
_LEVEL_OF = {code: level for level, codes in LEVELS.items() for code in codes}


@dataclass(frozen=True, slots=True)
class Cell:
    """One node's part in a row: `recorded`, `nothing` or `unknown`; `after_s` counts from the first to record it."""

    node: str
    state: str
    after_s: float = 0.0
    sees: tuple[str, ...] = ()
    quorate: bool | None = None


@dataclass(slots=True)
class Moment:
    """A row. `said` are the events it stands for, by node."""

    first: dict[str, Any]
    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    cells: tuple[Cell, ...] = ()

    @property
    def id(self) -> str:
        return f"flight-{self.first['id']}"

    @property
    def level(self) -> str:
        return _LEVEL_OF.get(self.first["code"], "plain")

    @property
    def cause(self) -> str:
        return next((event["cause"] for event in self.said.values() if event["cause"]), "")


def moments(events: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]]) -> list[Moment]:
    """`events` come newest first, and so do the rows."""
    found: list[Moment] = []
    open_: dict[tuple[Any, ...], Moment] = {}
    for event in reversed(events):
        key = _key(event)
        known = open_.get(key)
        if known is None or event["node"] in known.said or not _together(known.first, event):
            known = open_[key] = Moment(dict(event))
            found.append(known)
        known.said[event["node"]] = dict(event)
    for one in found:
        one.cells = tuple(_cell(one, node) for node in nodes)
    return found[::-1]


def _key(event: Mapping[str, Any]) -> tuple[Any, ...]:
    if event["revision"]:
        return (event["code"], event["revision"], event["about"])
    ends = (event["node"], event["about"]) if event["kind"] in ("link", "store", "task", "node") else (event["about"],)
    if event["kind"] == "link":
        return (event["code"], event.get("link"), tuple(sorted(ends)))
    return (event["code"], *ends)


def _together(first: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    return bool(event["revision"]) or event["time"] - first["time"] <= TOGETHER_S


def _cell(row: Moment, node: Mapping[str, Any]) -> Cell:
    event = row.said.get(node["name"])
    if event is not None:
        after_s = event["time"] - row.first["time"]
        return Cell(node["name"], "recorded", after_s, tuple(event.get("sees") or ()), event.get("quorate"))
    unknown = not node["known"] and (node["since_s"] is None or row.first["time"] >= node["since_s"] - TOGETHER_S)
    return Cell(node["name"], "unknown" if unknown else "nothing")
