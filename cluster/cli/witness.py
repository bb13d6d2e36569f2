"""`pvecm qdevice setup`, `remove` and `status`: the cluster's witness.

Setting up takes the line that script/witness printed on the witness's host in the place of Proxmox VE's address: no
SSH is used, so an address alone says too little, and what is missing is told.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import DRY_RUN, FORMAT, WRONG, Command, Parameter, Values
from cluster.cli.output import present, style_of
from cluster.cli.planned import show_plan
from cluster.cli.task import follow
from cluster.cli.terminal import printable
from cluster.errors import InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

PREFIX = "quire-witness:"
VOTING, NOT_VOTING, FAILED = 0, 2, 1
REQUEST_S = 30.0


def set_up(values: Values, daemon: BlockingClient) -> int:
    given = values["address"]
    if not given.startswith(PREFIX):
        reason = (
            "nothing here uses ssh: run script/witness as root on that host, and give the line it prints, which "
            f"begins with {PREFIX}"
        )
        raise InvalidInput(WRONG, fields={"address": reason})
    asked = {"invitation": given, "force": bool(values.get("force"))}
    if values.get("dry-run"):
        return show_plan(daemon.call({"method": "cluster.plan-witness", **asked}, REQUEST_S), style_of(values))
    return follow(
        daemon, daemon.call({"method": "cluster.witness-set-up", **asked}, REQUEST_S)["upid"], style_of(values)
    )


def remove(values: Values, daemon: BlockingClient) -> int:
    if values.get("dry-run"):
        return show_plan(daemon.call({"method": "cluster.plan-witness", "remove": True}, REQUEST_S), style_of(values))
    return follow(daemon, daemon.call({"method": "cluster.witness-remove"}, REQUEST_S)["upid"], style_of(values))


def status(values: Values, daemon: BlockingClient) -> int:
    told = daemon.call({"method": "cluster.witness"})
    present(told, style_of(values), lines)
    return VOTING if told["votes"] else NOT_VOTING


def lines(told: dict[str, Any]) -> list[str]:
    if not told["host"]:
        return ["This cluster has no witness.", *([told["advice"]] if told["advice"] else [])]
    rests = "  rests: the number of nodes is odd" if told["resting"] else ""
    found = [
        f"Witness:    {printable(told['host'])}",
        f"Algorithm:  {printable(told['algorithm'])}",
        f"Votes:      {told['votes']} of {told['configured_votes']}{rests}",
        "",
    ]
    wide = max([4, *(len(node) for node, _ in told["seen"])])
    found.append(f"{'Node':<{wide}} {'State':<22} Since")
    for node, seen in told["seen"]:
        since = time.strftime("%F %T", time.localtime(seen["since_s"])) if seen["since_s"] else "-"
        found.append(f"{printable(node):<{wide}} {printable(seen['state'] or 'not running'):<22} {since}")
        found += [f"{'':<{wide}} {printable(seen['trouble'])}"] if seen["trouble"] else []
    return [*found, *(["", told["advice"]] if told["advice"] else [])]


COMMANDS = (
    Command(
        "qdevice setup",
        "Give the cluster a witness: one vote more, for an even number of nodes.",
        set_up,
        positional=(Parameter("address", "string", "the line that script/witness printed on the witness's host"),),
        options=(
            Parameter("force", "boolean", "also for an odd number of nodes, where it gains nothing"),
            Parameter("network", "string", "known from Proxmox VE, and of no use there either"),
            DRY_RUN,
            FORMAT,
        ),
        failed=FAILED,
    ),
    Command("qdevice remove", "Take the cluster's witness away.", remove, options=(DRY_RUN, FORMAT), failed=FAILED),
    Command(
        "qdevice status",
        "Show the witness and who is connected to it.",
        status,
        options=(FORMAT,),
        failed=FAILED,
        exits=((VOTING, "its votes count"), (NOT_VOTING, "they do not")),
    ),
)
