"""The events of all nodes on one line, chosen and explained, as values and as files. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cluster.flight.causes import Past, Placed, cause_of
from cluster.flight.recorded import Recorded

COLUMNS = (
    "time", "node", "kind", "code", "about", "sentence", "cause", "user", "door", "by", "revision", "link", "count",
    "number", "life", "mono_s",
)  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would take such a cell for a program


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which events are wanted; empty means all. The newest are kept when there are more than `limit`."""

    kinds: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    since_s: float | None = None
    until_s: float | None = None
    limit: int = 200

    def takes(self, one: Placed) -> bool:
        return (
            (not self.kinds or one.event.kind in self.kinds)
            and (not self.nodes or one.node in self.nodes)
            and (self.since_s is None or one.time_s >= self.since_s)
            and (self.until_s is None or one.time_s <= self.until_s)
        )


def place(views: Mapping[str, Sequence[Recorded]]) -> list[Placed]:
    return [Placed(node, event) for node, events in views.items() for event in events]


def rows(events: Sequence[Placed], chosen: Chosen) -> list[dict[str, Any]]:
    """Newest first, each with its cause, which is looked for among all events, the chosen or not."""
    past = Past(events)
    wanted = sorted(
        filter(chosen.takes, events), key=lambda one: (one.time_s, one.node, one.event.number), reverse=True
    )
    return [_row(one, cause_of(one, past)) for one in wanted[: chosen.limit]]


def _row(one: Placed, cause: str) -> dict[str, Any]:
    event = one.event
    found: dict[str, Any] = {
        "id": f"{one.node}-{event.number}", "time": event.time_s, "node": one.node, "kind": event.kind,
        "code": event.code, "about": event.about, "sentence": event.sentence, "cause": cause, "user": event.user,
        "door": event.door, "by": event.by, "revision": event.revision, "count": event.count, "number": event.number,
        "life": event.life, "mono_s": round(event.mono_s, 3),
    }  # fmt: skip
    more = {"link": event.link, "sees": event.sees and list(event.sees), "quorate": event.quorate}
    return found | {name: value for name, value in more.items() if value is not None}


def as_csv(found: Iterable[Mapping[str, Any]]) -> str:
    """Times in UTC. What came from outside cannot begin a formula."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in found:
        moment = datetime.fromtimestamp(row["time"], UTC).isoformat(timespec="milliseconds")
        writer.writerow([_cell({**row, "time": moment}.get(name, "")) for name in COLUMNS])
    return file.getvalue()


def as_json(whole: Mapping[str, Any]) -> str:
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _cell(value: Any) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
