"""`pvecm check` and `pvecm verify`: is this node in order, can it create or join, and do all nodes agree?

As text, row by row as it is found, or as JSON for programs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.join_tokens import invited
from cluster.cli.membership import LINK_OPTIONS, NODE_ID, given_links
from cluster.cli.output import present, style_of
from cluster.cli.terminal import printable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

REQUEST_S, WAIT_S = 25.0, 10.0
WELL, NOT_WELL = 0, 1


def check(values: Values, daemon: BlockingClient) -> int:
    found = daemon.call({"method": "cluster.check"}, REQUEST_S)
    present(found, style_of(values), lambda rows: [line for row in rows for line in _finding(row)])
    return _code(found)


def check_create(values: Values, daemon: BlockingClient) -> int:
    return _followed(values, daemon, {"method": "check.create", "links": given_links(values)})


def check_join(values: Values, daemon: BlockingClient) -> int:
    asked = {"method": "check.join"} | invited(values, daemon)
    wanted = {"nodeid": values["nodeid"]} if "nodeid" in values else {}
    return _followed(values, daemon, asked | wanted | {"links": given_links(values)})


def _followed(values: Values, daemon: BlockingClient, asked: dict[str, Any]) -> int:
    """Rows as they come, or as data all of them at the end."""
    id_ = daemon.call(asked, REQUEST_S)["id"]
    live, shown = style_of(values).format == "text", 0
    while True:
        state = daemon.call({"method": "check.state", "id": id_, "after": shown, "wait_s": WAIT_S}, REQUEST_S)
        rows = state["findings"]
        for row in rows[shown:] if live else ():
            print("\n".join(_finding(row)), flush=True)
        shown = len(rows)
        if state["done"]:
            break
    if not live:
        present(rows, style_of(values), lambda _: [])
    return _code(rows)


def remove_leftovers(values: Values, daemon: BlockingClient) -> int:
    if values.get("dry-run"):
        found = daemon.call({"method": "cluster.check"}, REQUEST_S)
        lines = [printable(row["sentence"]) for row in found if row["code"] == "leftovers"]
        print("\n".join(lines or ["This node is in a cluster; its files are in use."]))
        return WELL
    done = daemon.call({"method": "check.remove-leftovers"}, REQUEST_S)
    moved = ", ".join(map(printable, done["files"]))
    said = f"Moved to the backup {done['backup']}: {moved}." if done["backup"] else "There was nothing to move."
    present(done, style_of(values), lambda _: [said])
    return WELL


def verify(values: Values, daemon: BlockingClient) -> int:
    said = daemon.call({"method": "cluster.verify"}, REQUEST_S)
    present(said, style_of(values), _compared)
    return _code(said["findings"])


def _finding(each: dict[str, Any]) -> list[str]:
    """What is not in order is told with its reason and what to do."""
    row = f"{each['severity']:<8} {each['code']:<22} {printable(each['sentence'])}"
    if each["severity"] not in ("warning", "error"):
        return [row]
    more = " ".join(filter(None, (each.get("why", ""), each.get("advice", ""))))
    return [row, f"{'':<31} {printable(more)}"] if more else [row]


def _compared(said: dict[str, Any]) -> Iterator[str]:
    yield f"{'Node':<20} {'Config':>6} {'Revision':>18} {'Clock':>9}  {'Version':<10} {'corosync':<10} Store"
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
        f"{printable(node['version']):<10} {printable(node.get('corosync') or '-'):<10} {node['store_digest'][:16]}"
    )


def _code(found: list[dict[str, Any]]) -> int:
    return NOT_WELL if any(each["severity"] == "error" for each in found) else WELL


EXITS = ((WELL, "all is well, or only worth a warning"), (NOT_WELL, "something is wrong, or could not be looked at"))

COMMANDS = (
    Command(
        "check create",
        "Look whether this node can create a cluster with these links.",
        check_create,
        options=(*LINK_OPTIONS, FORMAT),
        failed=NOT_WELL,
        exits=EXITS,
    ),
    Command(
        "check join",
        "Look from both sides whether this node can join a cluster; nothing is changed.",
        check_join,
        positional=(Parameter("string", "string", "the join information, or - to read it"),),
        options=(*LINK_OPTIONS, NODE_ID, FORMAT),
        failed=NOT_WELL,
        exits=EXITS,
    ),
    Command(
        "check",
        "Look whether this node is in order, or fit to become a member; of a member, the others too.",
        check,
        options=(FORMAT,),
        failed=NOT_WELL,
        exits=EXITS,
    ),
    Command(
        "leftovers remove",
        "Move what a former cluster left on this node into a backup.",
        remove_leftovers,
        options=(DRY_RUN, FORMAT),
        failed=NOT_WELL,
    ),
    Command(
        "verify",
        "Compare members, configuration, key, store, certificates, versions and clocks of all nodes.",
        verify,
        options=(FORMAT,),
        failed=NOT_WELL,
        exits=EXITS,
    ),
)
