"""`pvecm check` and `pvecm verify`: is this node in order, and do all nodes agree? As text, or as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import FORMAT, Command, Values
from cluster.cli.output import present, style_of
from cluster.cli.terminal import printable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

REQUEST_S = 20.0
WELL, NOT_WELL = 0, 1


def check(values: Values, daemon: BlockingClient) -> int:
    found = daemon.call({"method": "cluster.check"}, REQUEST_S)
    present(found, style_of(values), lambda rows: map(_finding, rows))
    return _code(found)


def verify(values: Values, daemon: BlockingClient) -> int:
    said = daemon.call({"method": "cluster.verify"}, REQUEST_S)
    present(said, style_of(values), _compared)
    return _code(said["findings"])


def _finding(each: dict[str, Any]) -> str:
    return f"{each['severity']:<8} {each['code']:<22} {printable(each['sentence'])}"


def _compared(said: dict[str, Any]) -> Iterator[str]:
    yield f"{'Node':<20} {'Config':>6} {'Revision':>18} {'Clock':>9}  {'Version':<10} Store"
    yield from map(_row, said["nodes"])
    for each in said["findings"]:
        yield f"{each['severity']}: {printable(each['sentence'])} {printable(each['advice'])}"
    yield "Result: " + ("OK" if not said["findings"] else f"{len(said['findings'])} findings")


def _row(node: dict[str, Any]) -> str:
    name = printable(node["name"])
    if not node["online"]:
        return f"{name:<20} does not answer"
    revision = ".".join(map(str, node["revision"]))
    return (
        f"{name:<20} {node['config_version']:>6} {revision:>18} {node['clock_ms']:>6} ms  "
        f"{printable(node['version']):<10} {node['store_digest'][:16]}"
    )


def _code(found: list[dict[str, Any]]) -> int:
    return NOT_WELL if any(each["severity"] == "error" for each in found) else WELL


EXITS = ((WELL, "all is well, or only worth a warning"), (NOT_WELL, "something is wrong, or could not be looked at"))

COMMANDS = (
    Command(
        "check",
        "Look whether this node is in order, or fit to become a member.",
        check,
        options=(FORMAT,),
        failed=NOT_WELL,
        exits=EXITS,
    ),
    Command(
        "verify",
        "Compare configuration, key, store, certificates, versions and clocks of all nodes.",
        verify,
        options=(FORMAT,),
        failed=NOT_WELL,
        exits=EXITS,
    ),
)
