"""`pvecm links`: what every node measures on its links, as a table or as data; and `links set`, `confirm`, `revert`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.output import present, style_of
from cluster.cli.planned import show_plan
from cluster.cli.task import follow
from cluster.cli.terminal import printable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

WELL, LINK_DOWN = 0, 1
REQUEST_S = 30.0


def links(values: Values, daemon: BlockingClient) -> int:
    rows = daemon.call({"method": "cluster.links"})
    present(rows, style_of(values), lines)
    return LINK_DOWN if any(row["connected"] is False for row in rows) else WELL


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
        return show_plan(daemon.call({"method": "cluster.plan-links", "links": asked}), style_of(values))
    request = {"method": "cluster.change-links", "links": asked, "at_once": bool(values.get("at-once"))}
    request |= {"confirm_s": values["confirm-s"]} if "confirm-s" in values else {}
    return follow(daemon, daemon.call(request)["upid"], style_of(values))


def confirm(values: Values, daemon: BlockingClient) -> int:
    return _conclude(values, daemon, "cluster.confirm-links", "Keep the links as they are now.")


def revert(values: Values, daemon: BlockingClient) -> int:
    return _conclude(values, daemon, "cluster.revert-links", "Put the former links back on every node.")


def _conclude(values: Values, daemon: BlockingClient, method: str, step: str) -> int:
    if values.get("dry-run"):
        on_trial = daemon.call({"method": "cluster.link-trial"}) is not None
        obstacle = "" if on_trial else "No change of the links is on trial."
        return show_plan({"steps": [step] if on_trial else [], "warnings": [], "obstacle": obstacle}, style_of(values))
    daemon.call({"method": method}, REQUEST_S)
    return WELL


LINKS = tuple(
    Parameter(f"link{number}", "string", "NODE=ADDRESS,NODE=ADDRESS,priority=N, or remove") for number in range(8)
)
CHANGING = (
    *LINKS,
    Parameter("confirm-s", "integer", "seconds until an unconfirmed change goes back (default: 60)", minimum=1),
    Parameter("at-once", "boolean", "confirm it as soon as every node hears every peer over it"),
    DRY_RUN,
    FORMAT,
)

COMMANDS = (
    Command(
        "links",
        "Show what every node measures on its links.",
        links,
        options=(FORMAT,),
        exits=((WELL, "no link is known to be down"), (LINK_DOWN, "a link is down")),
    ),
    Command(
        "links set",
        "Add, change or remove links of the running cluster, on trial: confirm it, or it goes back.",
        change,
        options=CHANGING,
        failed=1,
    ),
    Command(
        "links confirm", "Keep the change of links that is on trial.", confirm, options=(DRY_RUN, FORMAT), failed=1
    ),
    Command(
        "links revert", "Take back the change of links that is on trial.", revert, options=(DRY_RUN, FORMAT), failed=1
    ),
)
