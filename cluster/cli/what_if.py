"""`pvecm what-if`: who would go on, and who would wait, if nodes or links failed. Nothing is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import FORMAT, Command, Parameter, Values
from cluster.cli.output import present, style_of
from cluster.cli.terminal import printable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient


def what_if(values: Values, daemon: BlockingClient) -> int:
    asked = {"method": "cluster.what-if", "witness": values.get("witness", True), "anew": values.get("anew", False)}
    told = daemon.call(asked | {name: values[name] for name in ("off", "split", "links") if name in values})
    present(told, style_of(values), lines)
    return 0


def lines(told: dict[str, Any]) -> list[str]:
    found = [f"Supposed, nothing is touched: {printable(told['sentence'])}", ""]
    for side in told["sides"]:
        quorate = {True: "quorate", False: "not quorate", None: "cannot be foretold"}[side["quorate"]]
        writable = {True: ", writable", False: ", read-only", None: ""}[side["writable"]]
        found.append(f"{printable(', '.join(side['nodes']))}: {quorate}{writable}")
        found += [f"  {printable(sentence)}" for sentence in side["sentences"]]
    if told["off"]:
        found.append(f"{printable(', '.join(told['off']))}: off")
    found += ["", *(printable(sentence) for sentence in told["consequences"])]
    return [*found, f"Next: {printable(told['step'])}"]


COMMANDS = (
    Command(
        "what-if",
        "Suppose nodes or links off, or a split, and say who would go on. Touches nothing.",
        what_if,
        options=(
            Parameter("off", "string", "nodes that are off: beta,gamma"),
            Parameter("split", "string", "groups that do not see each other: alpha,beta/gamma"),
            Parameter("links", "string", "links that are off, everywhere or at one node: 1,alpha:0"),
            Parameter("witness", "boolean", "the witness can be reached (default: 1)"),
            Parameter("anew", "boolean", "all nodes have just started, as after a power cut"),
            FORMAT,
        ),
        failed=1,
    ),
)
