"""`pvecm events`: what all nodes recorded, oldest first as a log is read, as text, data or CSV."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import FORMATS, Command, Parameter, Values
from cluster.cli.output import show, style_of
from cluster.cli.terminal import printable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

REQUEST_S = 15.0


def events(values: Values, daemon: BlockingClient) -> int:
    form = values.get("output-format", "text")
    asked = {"method": "flight.events", "limit": values.get("limit", 50), "form": "csv" if form == "csv" else ""}
    for option, name in (("kind", "kinds"), ("node", "nodes")):
        asked |= {name: [values[option]]} if option in values else {}
    for option in ("since", "until"):
        asked |= {f"{option}_s": values[option]} if option in values else {}
    found = daemon.call(asked, REQUEST_S)
    if form == "csv":
        sys.stdout.write(found["text"])
    elif form == "text":
        _print(found)
    else:
        show(found, style_of(values))
    return 0


def _print(found: dict[str, Any]) -> None:
    for row in reversed(found["events"]):
        who = f" ({row['user']}{' via ' + row['door'] if row['door'] else ''})" if row["user"] else ""
        cause = f" {row['cause']}" if row["cause"] else ""
        print(printable(f"{_when(row['time'])}  {row['node']:<12} {row['kind']:<10} {row['sentence']}{who}{cause}"))
    for one in reversed(found["partings"]):
        parts = "; ".join(f"{', '.join(part['nodes'])} {_quorum(part['quorate'])}" for part in one["parts"])
        until = _when(one["to_s"]) if one["to_s"] is not None else "now"
        print(printable(f"In parts from {_when(one['from_s'])} to {until}: {parts}."))
    for node in found["nodes"]:
        if not node["known"]:
            since = f" since {_when(node['since_s'])}" if node["since_s"] is not None else ""
            print(printable(f"{node['name']}: unknown{since}. {node['reason']}"))


def _quorum(quorate: bool | None) -> str:
    return {True: "with quorum", False: "without quorum", None: "(quorum not known)"}[quorate]


def _when(time_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_s))


COMMANDS = (
    Command(
        "events",
        "What all nodes recorded: membership, quorum, links, locks, changes and tasks, with causes.",
        events,
        options=(
            Parameter("kind", "string", "only membership, quorum, link, store, lock, config, task or node"),
            Parameter("node", "string", "only what this node recorded"),
            Parameter("since", "integer", "not before this moment, in seconds since 1970"),
            Parameter("until", "integer", "not after this moment, in seconds since 1970"),
            Parameter("limit", "integer", "how many to show at most (default: 50)", minimum=1),
            Parameter(
                "output-format",
                "string",
                "text (the default), json, json-pretty, yaml or csv",
                choices=(*FORMATS, "csv"),
            ),
        ),
    ),
)
