"""`pvecm delnode`, `removed` and `undo removal`: taking another node out, and taking that back.

With `--dry-run` nothing is changed: the plan is shown instead, as on the page. JSON and YAML are for programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cluster.cli import terminal
from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.output import Style, present, show, style_of
from cluster.cli.planned import show_plan
from cluster.cli.terminal import printable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

REQUEST_S = 60.0
POSSIBLE, IMPOSSIBLE = 0, 1


def delnode(values: Values, daemon: BlockingClient) -> int:
    """Says nothing when all is well."""
    style = style_of(values)
    if values.get("dry-run"):
        return _plan(daemon.call({"method": "cluster.removal-plan", "node": values["node"]}, REQUEST_S), style)
    return _warned(daemon.call({"method": "cluster.remove-node", "node": values["node"]}, REQUEST_S), values)


def _warned(told: dict[str, Any], values: Values) -> int:
    style = style_of(values)
    if style.format != "text":
        show({"node": values["node"], "warnings": told["warnings"]}, style)
        return 0
    for warning in told["warnings"]:
        terminal.complain(warning)
    return 0


def _plan(plan: dict[str, Any], style: Style) -> int:
    present(plan, style, _plan_lines)
    if style.format == "text":
        for sentence in filter(None, [plan["obstacle"], *plan["warnings"]]):
            terminal.complain(sentence)
    return IMPOSSIBLE if plan["obstacle"] else POSSIBLE


def _plan_lines(plan: dict[str, Any]) -> Iterator[str]:
    yield f"{'':<10}{'nodes':>7}{'online':>8}{'votes':>7}{'needed':>8}  quorate"
    for word in ("before", "after"):
        one, quorate = plan[word], "yes" if plan[word]["quorate"] else "no"
        votes = f"{one['present_votes']:>7}{one['needed_votes']:>8}"
        yield f"{word:<10}{one['nodes']:>7}{one['online']:>8}{votes}  {quorate}"
    for each in plan["references"]:
        yield printable(f"{each['path']}: {each['what']}. {each['becomes']}")
    for place, sentence in enumerate(plan["order"], 1):
        yield printable(f"{place}. {sentence}")


def removed(values: Values, daemon: BlockingClient) -> int:
    show(daemon.call({"method": "cluster.removed-nodes"}, REQUEST_S), style_of(values))
    return 0


def undo_removal(values: Values, daemon: BlockingClient) -> int:
    asked = {"node": values["node"]}
    if values.get("dry-run"):
        return show_plan(daemon.call({"method": "cluster.plan-undo-removal", **asked}, REQUEST_S), style_of(values))
    return _warned(daemon.call({"method": "cluster.undo-removal", **asked}, REQUEST_S), values)


_NODE = Parameter("node", "string", "name of the node")

COMMANDS = (
    Command(
        "delnode",
        "Remove another node from the cluster, dead or alive.",
        delnode,
        positional=(_NODE,),
        options=(DRY_RUN, FORMAT),
    ),
    Command("removed", "List the nodes that were removed or left.", removed, options=(FORMAT,)),
    Command(
        "undo removal",
        "Take the removal of a node back, within a day.",
        undo_removal,
        positional=(_NODE,),
        options=(DRY_RUN, FORMAT),
    ),
)
