"""`pvecm store log|show|diff|restore|conflicts`: what the store was, who changed it, and bringing it back.

A revision is written as the log shows it, `epoch.index`; the index alone does as well.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import DRY_RUN, FORMAT, WRONG, Command, Parameter, Values
from cluster.cli.output import present, show, style_of
from cluster.cli.planned import show_plan
from cluster.cli.store import CONSISTENT, PATH, REQUEST_ID, give_out, read, request_id_of
from cluster.cli.terminal import complain, printable
from cluster.errors import InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

READ_S, RESTORE_S = 30.0, 30.0
PAGE = 200

REVISION = Parameter("revision", "string", "a revision as the log shows it, for instance 4.17")
LIMIT = Parameter("limit", "integer", "how many to show at most (default: 50)", minimum=1)


def log(values: Values, daemon: BlockingClient) -> int:
    style = style_of(values)
    left, before, rows = values.get("limit", 50), None, []
    while left:
        asked = {"method": "store.history", "path": values.get("path", ""), "limit": min(left, PAGE)}
        found = daemon.call(asked | ({"before": before} if before is not None else {}), READ_S)
        for change in found["changes"] if style.format == "text" else ():
            print(_line(change))
        rows += found["changes"]
        left -= len(found["changes"])
        if not found["more"] or not found["changes"]:
            break
        before = found["changes"][-1]["revision"][1]
    if style.format != "text":
        show(rows, style)
    return 0


def show_file(values: Values, daemon: BlockingClient) -> int:
    path, at, revision = values["path"].rpartition("@")
    if values.get("consistent"):
        return read(values, daemon)
    if "revision" in values:
        path, revision = values["path"], values["revision"]
    elif not at:
        raise InvalidInput(WRONG, fields={"revision": "say which: PATH@REVISION, --revision, or --consistent for now"})
    found = daemon.call({"method": "store.show", "path": path, "revision": revision}, READ_S)
    if found["kind"] != "file":
        what = "a folder" if found["kind"] == "dir" else "not there"
        complain(f"{path} was {what} at revision {_named(found['revision'])}.")
        return 1
    give_out(found["data"], {**values, "path": path})
    return 0


def diff(values: Values, daemon: BlockingClient) -> int:
    asked = {"method": "store.diff", "path": values["path"], "older": values["older"], "newer": values.get("newer", "")}
    found = daemon.call(asked, READ_S)
    present(found, style_of(values), _differences)
    return 0


def _differences(found: dict[str, Any]) -> Iterator[str]:
    if found["binary"]:
        yield f"{printable(found['path'])} is no text, or too long to be compared here."
    yield from map(printable, found["lines"])


def restore(values: Values, daemon: BlockingClient) -> int:
    path = values["path"].strip("/")
    asked = {"method": "store.restore", "path": path, "revision": values["revision"], "door": "cli"}
    if values.get("dry-run"):
        planned = daemon.call(asked | {"dry_run": True}, RESTORE_S)["paths"]
        nothing = [] if planned else ["Nothing differs; nothing would be changed."]
        plan = {"steps": [f"Make {one} what it was at {values['revision']}." for one in planned], "warnings": nothing}
        return show_plan(plan, style_of(values))
    present(daemon.call(asked | request_id_of(values), RESTORE_S), style_of(values), _restored)
    return 0


def _restored(found: dict[str, Any]) -> Iterator[str]:
    if found["revision"] is None:
        yield "Nothing differs; nothing was changed."
        return
    yield from map(printable, found["paths"])
    yield f"Restored in revision {_named(found['revision'])}."


def conflicts(values: Values, daemon: BlockingClient) -> int:
    found = daemon.call({"method": "store.conflicts", "limit": values.get("limit", 50)}, READ_S)
    present(found, style_of(values), lambda rows: map(_conflict, rows))
    return 0


def _conflict(one: dict[str, Any]) -> str:
    what = ", ".join(f"{each['what']} {each['path']}" for each in one["operations"])
    words = f"{_when(one['time_s'])}  {_named(one['revision'])}  {one['user']} via {one['door']} on {one['node']}"
    return printable(f"{one['id']}  {words}, made {_when(one['made_s'])}: {what}")


def conflict(values: Values, daemon: BlockingClient) -> int:
    """One conflict: what it would have written, or with --restore, made again."""
    style = style_of(values)
    if values.get("restore") and not values.get("dry-run"):
        asked = {"method": "store.conflict-restore", "id": values["conflict"], "door": "cli"} | request_id_of(values)
        found = daemon.call(asked, RESTORE_S)
        again = [f"Made again in revision {_named(found['revision'])}."]
        present(found, style, lambda done: [*map(printable, done["paths"]), *again])
        return 0
    found = daemon.call({"method": "store.conflict", "id": values["conflict"]}, READ_S)
    if values.get("restore"):
        return show_plan({"steps": [f"{each['what']} {each['path']}" for each in found["operations"]]}, style)
    if style.format != "text":
        operations = [{**each, "data": (each["data"] or b"").decode(errors="replace")} for each in found["operations"]]
        show({**found, "operations": operations}, style)
        return 0
    for each in found["operations"]:
        print(printable(f"# {each['what']} {each['path']}"), flush=True)
        sys.stdout.buffer.write(each["data"] or b"")
        sys.stdout.buffer.flush()
    return 0


def _line(change: dict[str, Any]) -> str:
    paths = " ".join(
        f"-{path['path']}" if path["kind"] == "removed" else path["path"] + ("/" if path["kind"] == "dir" else "")
        for path in change["paths"]
    )
    who = f"{change['user']} via {change['door']} on {change['node']}"
    return printable(f"{_named(change['revision']):<10} {_when(change['time_s'])}  {who}: {paths}")


def _named(revision: list[int]) -> str:
    return f"{revision[0]}.{revision[1]}"


def _when(time_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time_s))


COMMANDS = (
    Command(
        "store log",
        "List changes of the store, or of one path, newest first.",
        log,
        (PATH._replace(optional=True),),
        (LIMIT, FORMAT),
    ),
    Command(
        "store show",
        "Write a file to standard output as it was at a revision, or with --consistent as it is.",
        show_file,
        (Parameter("path", "string", "path in the store; PATH@REVISION names both"),),
        (REVISION, CONSISTENT, FORMAT),
        exits=((1, "there was no such file then"),),
    ),
    Command(
        "store diff",
        "Compare a file at a revision with a later one, or with what it is now.",
        diff,
        (
            PATH,
            REVISION._replace(name="older"),
            Parameter("newer", "string", "the later revision (default: now)", optional=True),
        ),
        (FORMAT,),
    ),
    Command(
        "store restore",
        "Make a path what it was at a revision, as a new change; / is all but membership and keys.",
        restore,
        (PATH._replace(text="path in the store, or /"), REVISION),
        (REQUEST_ID, DRY_RUN, FORMAT),
    ),
    Command(
        "store conflicts", "List changes this node had and the cluster did not keep.", conflicts, (), (LIMIT, FORMAT)
    ),
    Command(
        "store conflict",
        "Show what such a change would have written, or make it again over what is there.",
        conflict,
        (Parameter("conflict", "string", "its id, as pvecm store conflicts shows it"),),
        (Parameter("restore", "boolean", "make the change again"), REQUEST_ID, DRY_RUN, FORMAT),
    ),
)
