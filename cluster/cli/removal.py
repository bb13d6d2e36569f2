"""`pvecm delnode`, `removed` and `undo removal`: taking another node out, and taking that back.

With `--dry-run` nothing is changed: the plan is shown instead, as on the page. JSON is for programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.cli import terminal
from cluster.cli.arguments import FORMAT, Command, Parameter, Values, is_json
from cluster.cli.output import Style, show
from cluster.cli.terminal import printable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

REQUEST_S = 60.0
POSSIBLE, IMPOSSIBLE = 0, 1


def delnode(values: Values, daemon: BlockingClient) -> int:
    """Says nothing when all is well."""
    as_json = is_json(values)
    if values.get("dry-run"):
        return _plan(daemon.call({"method": "cluster.removal-plan", "node": values["node"]}, REQUEST_S), as_json)
    warnings = daemon.call({"method": "cluster.remove-node", "node": values["node"]}, REQUEST_S)["warnings"]
    if as_json:
        show({"node": values["node"], "warnings": warnings}, Style("json"))
        return 0
    for warning in warnings:
        terminal.complain(warning)
    return 0


def _plan(plan: dict[str, Any], as_json: bool) -> int:
    if as_json:
        show(plan, Style("json"))
    else:
        print(f"{'':<10}{'nodes':>7}{'online':>8}{'votes':>7}{'needed':>8}  quorate")
        for word in ("before", "after"):
            one, quorate = plan[word], "yes" if plan[word]["quorate"] else "no"
            votes = f"{one['present_votes']:>7}{one['needed_votes']:>8}"
            print(f"{word:<10}{one['nodes']:>7}{one['online']:>8}{votes}  {quorate}")
        for each in plan["references"]:
            print(printable(f"{each['path']}: {each['what']}. {each['becomes']}"))
        for place, sentence in enumerate(plan["order"], 1):
            print(printable(f"{place}. {sentence}"))
        for sentence in filter(None, [plan["obstacle"], *plan["warnings"]]):
            terminal.complain(sentence)
    return IMPOSSIBLE if plan["obstacle"] else POSSIBLE


def removed(values: Values, daemon: BlockingClient) -> int:
    as_json = is_json(values)
    show(
        daemon.call({"method": "cluster.removed-nodes"}, REQUEST_S), Style("json" if as_json else "text", border=False)
    )
    return 0


def undo_removal(values: Values, daemon: BlockingClient) -> int:
    for warning in daemon.call({"method": "cluster.undo-removal", "node": values["node"]}, REQUEST_S)["warnings"]:
        terminal.complain(warning)
    return 0


_NODE = Parameter("node", "string", "name of the node")

COMMANDS = (
    Command(
        "delnode",
        "Remove another node from the cluster, dead or alive.",
        delnode,
        positional=(_NODE,),
        options=(Parameter("dry-run", "boolean", "change nothing; show what it would mean"), FORMAT),
    ),
    Command("removed", "List the nodes that were removed or left.", removed, options=(FORMAT,)),
    Command(
        "undo removal",
        "Take the removal of a node back, within a day.",
        undo_removal,
        positional=(_NODE,),
    ),
)
