"""`pvecm check` and `pvecm verify`: is this node in order, and do all nodes agree? As text, or as JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import FORMAT, Command, Values, is_json
from cluster.cli.terminal import printable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

REQUEST_S = 20.0
WELL, NOT_WELL = 0, 1


def check(values: Values, daemon: BlockingClient) -> int:
    as_json = is_json(values)
    found = daemon.call({"method": "cluster.check"}, REQUEST_S)
    if as_json:
        print(json.dumps(found))
    else:
        for each in found:
            print(f"{each['severity']:<8} {each['code']:<22} {printable(each['sentence'])}")
    return _code(found)


def verify(values: Values, daemon: BlockingClient) -> int:
    as_json = is_json(values)
    said = daemon.call({"method": "cluster.verify"}, REQUEST_S)
    if as_json:
        print(json.dumps(said))
    else:
        print(f"{'Node':<20} {'Config':>6} {'Revision':>18} {'Clock':>9}  {'Version':<10} Store")
        for node in said["nodes"]:
            print(_row(node))
        for each in said["findings"]:
            print(f"{each['severity']}: {printable(each['sentence'])} {printable(each['advice'])}")
        print("Result: " + ("OK" if not said["findings"] else f"{len(said['findings'])} findings"))
    return _code(said["findings"])


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


COMMANDS = (
    Command(
        "check",
        "Look whether this node is in order, or fit to become a member.",
        check,
        options=(FORMAT,),
        failed=NOT_WELL,
    ),
    Command(
        "verify",
        "Compare configuration, key, store, certificates, versions and clocks of all nodes.",
        verify,
        options=(FORMAT,),
        failed=NOT_WELL,
    ),
)
