"""`pvecm links`: what every node measures on its links, as a table or as JSON; and `links set`, `confirm`, `revert`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import WRONG, Command, Parameter, Values
from cluster.cli.task import follow
from cluster.cli.terminal import printable
from cluster.errors import InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

FORMATS = ("text", "json")
FORMAT = Parameter("output-format", "string", "text (the default) or json")
WELL, LINK_DOWN = 0, 1
REQUEST_S = 30.0


def links(values: Values, daemon: BlockingClient) -> int:
    rows = daemon.call({"method": "cluster.links"})
    if as_json(values):
        print(json.dumps(rows))
    else:
        print("\n".join(lines(rows)))
    return LINK_DOWN if any(row["connected"] is False for row in rows) else WELL


def as_json(values: Values) -> bool:
    chosen = values.get("output-format", "text")
    if chosen not in FORMATS:
        raise InvalidInput(WRONG, fields={"output-format": "this is text or json"})
    return bool(chosen == "json")


def lines(rows: list[dict[str, Any]]) -> list[str]:
    wide = max([4, *(len(row[end]) for row in rows for end in ("node", "peer"))])
    head = f"{'Link':<4} {'Node':<{wide}} {'Peer':<{wide}} State    {'Now':>9} {'Average':>9} {'Max':>9} {'Loss':>7} "
    found = [f"{head}{'Retries':>8} {'Flaps':>6} {'MTU':>6}  Addresses"]
    for row in sorted(rows, key=lambda row: (row["link"], row["node"], row["peer"])):
        ends = f"{row['link']:<4} {printable(row['node']):<{wide}} {printable(row['peer']):<{wide}}"
        times = " ".join(f"{_ms(row[name]):>9}" for name in ("latency_us", "latency_ave_us", "latency_max_us"))
        loss = "-" if row["loss"] is None else f"{row['loss'] * 100:.1f} %"
        counts = f"{_or_dash(row['retries']):>8} {_or_dash(row['flaps']):>6} {_or_dash(row['mtu'] or None):>6}"
        where = f"{printable(row['address'])} - {printable(row['peer_address'])}"
        found.append(f"{ends} {_word(row['connected']):<8} {times} {loss:>7} {counts}  {where}")
    return found


def _word(connected: bool | None) -> str:
    return "unknown" if connected is None else "up" if connected else "DOWN"


def _ms(latency_us: int | None) -> str:
    return "-" if latency_us is None else f"{latency_us / 1000:.2f} ms"


def _or_dash(count: int | None) -> str:
    return "-" if count is None else str(count)


def change(values: Values, daemon: BlockingClient) -> int:
    asked = {number: values[f"link{number}"] for number in range(8) if f"link{number}" in values}
    if values.get("dry-run"):
        plan = daemon.call({"method": "cluster.plan-links", "links": asked})
        print("\n".join([*plan["steps"], *plan["warnings"]]))
        return WELL
    request = {"method": "cluster.change-links", "links": asked, "at_once": bool(values.get("at-once"))}
    request |= {"confirm_s": values["confirm-s"]} if "confirm-s" in values else {}
    return follow(daemon, daemon.call(request)["upid"])


def confirm(_values: Values, daemon: BlockingClient) -> int:
    daemon.call({"method": "cluster.confirm-links"}, REQUEST_S)
    return WELL


def revert(_values: Values, daemon: BlockingClient) -> int:
    daemon.call({"method": "cluster.revert-links"}, REQUEST_S)
    return WELL


LINKS = tuple(
    Parameter(f"link{number}", "string", "NODE=ADDRESS,NODE=ADDRESS,priority=N, or remove") for number in range(8)
)
CHANGING = (
    *LINKS,
    Parameter("confirm-s", "integer", "seconds until an unconfirmed change goes back (default: 60)", minimum=1),
    Parameter("at-once", "boolean", "confirm it as soon as every node hears every peer over it"),
    Parameter("dry-run", "boolean", "say what would be done, and do nothing"),
)

COMMANDS = (
    Command("links", "Show what every node measures on its links.", links, options=(FORMAT,)),
    Command(
        "links set",
        "Add, change or remove links of the running cluster, on trial: confirm it, or it goes back.",
        change,
        options=CHANGING,
        failed=1,
    ),
    Command("links confirm", "Keep the change of links that is on trial.", confirm, failed=1),
    Command("links revert", "Take back the change of links that is on trial.", revert, failed=1),
)
