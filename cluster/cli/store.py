"""`pvecm store`: look into the replicated configuration store, and put a file there, without a mount."""

from __future__ import annotations

import base64
import sys
import time
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.output import present, show, style_of
from cluster.cli.planned import show_plan
from cluster.cli.terminal import complain, printable
from cluster.errors import InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

FILE_SIZE_MAX = 1 << 20
VERIFY_S = 60.0
WRITE_S = 15.0
READ_S = 10.0
OUTCOMES = {"ok": 0, "failed": 1}

PATH = Parameter("path", "string", "path in the store, for instance user.cfg")
REQUEST_ID = Parameter("request-id", "string", "name of this request; repeated with the same one it is done only once")
CONSISTENT = Parameter("consistent", "boolean", "first get whatever any node has acknowledged; fails without quorum")


def verify(values: Values, daemon: BlockingClient) -> int:
    found = daemon.call({"method": "store.verify"}, VERIFY_S)
    style = style_of(values)
    if style.format != "text":
        health = daemon.call({"method": "store.health"}, VERIFY_S)
        findings = [*found["findings"], *filter(None, [health["trouble"]])]
        kept = {"scrub": health["scrub"], "quarantine": health["quarantine"], "findings": findings}
        show({**found, **kept, "ok": not findings}, style)
        return 1 if findings else 0
    epoch, index = found["revision"]
    print(f"Revision: {epoch}.{index}\nEntries:  {found['entries']}\nDigest:   {found['digest']}")
    health = daemon.call({"method": "store.health"}, VERIFY_S)
    print(f"Scrub:    {_scrubbed(health['scrub'])}")
    for aside in health["quarantine"]:
        print(f"Aside:    {printable(aside['path'])}: {printable(aside['reason'])}")
    findings = [*found["findings"], *filter(None, [health["trouble"]])]
    print("Result:   " + (f"{len(findings)} findings" if findings else "OK"), flush=True)
    for finding in findings:
        complain(finding)
    return 1 if findings else 0


def _scrubbed(last: dict[str, Any] | None) -> str:
    if last is None:
        return "not since the daemon started"
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(last["time_s"]))
    return f"{when}, {last['rows']} rows, {len(last['findings'])} findings"


def list_(values: Values, daemon: BlockingClient) -> int:
    catch_up(values, daemon)
    entries = daemon.call({"method": "store.list", "path": values.get("path", "")})
    present(entries, style_of(values), lambda rows: map(_entry, rows))
    return 0


def _entry(entry: dict[str, Any]) -> str:
    return f"{entry['size']:>8}  {printable(entry['name'])}{'/' if entry['type'] == 'dir' else ''}"


def read(values: Values, daemon: BlockingClient) -> int:
    catch_up(values, daemon)
    give_out(daemon.call({"method": "store.read", "path": values["path"]})["data"], values)
    return 0


def give_out(data: bytes, values: Values) -> None:
    """A file's bytes as they are; as data its text, or its bytes in base64 where it is no text."""
    style = style_of(values)
    if style.format == "text":
        sys.stdout.buffer.write(data)
        return
    try:
        show({"path": values["path"], "content": data.decode()}, style)
    except UnicodeDecodeError:
        show({"path": values["path"], "base64": base64.b64encode(data).decode()}, style)


def write(values: Values, daemon: BlockingClient) -> int:
    data = sys.stdin.buffer.read(FILE_SIZE_MAX + 1)
    if len(data) > FILE_SIZE_MAX:
        raise InvalidInput(f"A file of the store has at most {FILE_SIZE_MAX} bytes.")
    if values.get("dry-run"):
        return _plan_write(values, daemon, data)
    asked = {"method": "store.write", "path": values["path"], "data": data, "door": "cli"}
    asked |= {"digest": values["digest"]} if "digest" in values else {}
    asked |= request_id_of(values)
    told = daemon.call(asked, WRITE_S)
    present(told, style_of(values), lambda done: [".".join(map(str, done["revision"]))])
    return 0


def _plan_write(values: Values, daemon: BlockingClient, data: bytes) -> int:
    """What is there is read from this node; whether the cluster can be written is the store's own word."""
    import hashlib

    from cluster.errors import NotFound

    try:
        now = daemon.call({"method": "store.read", "path": values["path"]}, READ_S)["data"]
    except NotFound:
        now = None
    digest = "" if now is None else hashlib.sha1(now, usedforsecurity=False).hexdigest()
    differs = "digest" in values and values["digest"] != digest
    obstacle = f"{values['path']} is not what the digest says any more." if differs else ""
    what = f"Create {values['path']}" if now is None else f"Replace {values['path']}, which has {len(now)} bytes,"
    return show_plan({"steps": [f"{what} with {len(data)} bytes."], "obstacle": obstacle}, style_of(values))


def outcome(values: Values, daemon: BlockingClient) -> int:
    """0 when it was done, 1 when it failed for good, 2 when nobody can say yet."""
    found = daemon.call({"method": "store.outcome", "request_id": values["request-id"]}, READ_S)
    present(found, style_of(values), lambda said: [_outcome(said)])
    return OUTCOMES.get(found["outcome"], 2)


def _outcome(found: dict[str, Any]) -> str:
    if found["outcome"] == "ok":
        epoch, index = found["revision"]
        return f"OK {epoch}.{index}"
    return printable(f"{found['outcome'].upper()} {found['message']}")


def request_id_of(values: Values) -> dict[str, str]:
    return {"request_id": values["request-id"]} if "request-id" in values else {}


def catch_up(values: Values, daemon: BlockingClient) -> None:
    """Before a consistent read: wait until this node has everything that was acknowledged anywhere."""
    if values.get("consistent"):
        daemon.call({"method": "store.point", "consistent": True}, READ_S)


COMMANDS = (
    Command(
        "store verify",
        "Check every entry of this node's store against its checksums.",
        verify,
        options=(FORMAT,),
        exits=((0, "sound"), (1, "something is damaged")),
    ),
    Command("store ls", "List a folder of the store.", list_, (PATH._replace(optional=True),), (CONSISTENT, FORMAT)),
    Command("store read", "Write a file of the store to standard output.", read, (PATH,), (CONSISTENT, FORMAT)),
    Command(
        "store write",
        "Replace or create a file of the store with standard input; prints its revision.",
        write,
        positional=(PATH,),
        options=(
            Parameter("digest", "string", "SHA-1 the file must have now; otherwise nothing is written"),
            REQUEST_ID,
            DRY_RUN,
            FORMAT,
        ),
    ),
    Command(
        "store outcome",
        "Say what became of the change that was asked for under a request id; exits 0, 1 (failed) or 2 (unknown).",
        outcome,
        (REQUEST_ID._replace(text="the id it was asked for with, on any node"),),
        (FORMAT,),
        exits=((0, "it was done"), (1, "it failed for good"), (2, "nobody can say yet")),
    ),
)
