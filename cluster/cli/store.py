"""`pvecm store`: look into the replicated configuration store, and put a file there, without a mount."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import Command, Parameter, Values
from cluster.cli.terminal import complain, printable
from cluster.errors import InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

FILE_SIZE_MAX = 1 << 20
VERIFY_S = 60.0
WRITE_S = 15.0
READ_S = 10.0

PATH = Parameter("path", "string", "path in the store, for instance user.cfg")
REQUEST_ID = Parameter("request-id", "string", "name of this request; repeated with the same one it is done only once")
CONSISTENT = Parameter("consistent", "boolean", "first get whatever any node has acknowledged; fails without quorum")


def verify(_values: Values, daemon: BlockingClient) -> int:
    found = daemon.call({"method": "store.verify"}, VERIFY_S)
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
    for entry in daemon.call({"method": "store.list", "path": values.get("path", "")}):
        mark = "/" if entry["type"] == "dir" else ""
        print(f"{entry['size']:>8}  {printable(entry['name'])}{mark}")
    return 0


def read(values: Values, daemon: BlockingClient) -> int:
    catch_up(values, daemon)
    sys.stdout.buffer.write(daemon.call({"method": "store.read", "path": values["path"]})["data"])
    return 0


def write(values: Values, daemon: BlockingClient) -> int:
    data = sys.stdin.buffer.read(FILE_SIZE_MAX + 1)
    if len(data) > FILE_SIZE_MAX:
        raise InvalidInput(f"A file of the store has at most {FILE_SIZE_MAX} bytes.")
    asked = {"method": "store.write", "path": values["path"], "data": data, "door": "cli"}
    asked |= {"digest": values["digest"]} if "digest" in values else {}
    asked |= request_id_of(values)
    epoch, index = daemon.call(asked, WRITE_S)["revision"]
    print(f"{epoch}.{index}")
    return 0


def outcome(values: Values, daemon: BlockingClient) -> int:
    """0 when it was done, 1 when it failed for good, 2 when nobody can say yet."""
    found = daemon.call({"method": "store.outcome", "request_id": values["request-id"]}, READ_S)
    if found["outcome"] == "ok":
        epoch, index = found["revision"]
        print(f"OK {epoch}.{index}")
        return 0
    print(printable(f"{found['outcome'].upper()} {found['message']}"))
    return 1 if found["outcome"] == "failed" else 2


def request_id_of(values: Values) -> dict[str, str]:
    return {"request_id": values["request-id"]} if "request-id" in values else {}


def catch_up(values: Values, daemon: BlockingClient) -> None:
    """Before a consistent read: wait until this node has everything that was acknowledged anywhere."""
    if values.get("consistent"):
        daemon.call({"method": "store.point", "consistent": True}, READ_S)


COMMANDS = (
    Command("store verify", "Check every entry of this node's store against its checksums.", verify),
    Command("store ls", "List a folder of the store.", list_, (PATH._replace(optional=True),), (CONSISTENT,)),
    Command("store read", "Write a file of the store to standard output.", read, (PATH,), (CONSISTENT,)),
    Command(
        "store write",
        "Replace or create a file of the store with standard input; prints its revision.",
        write,
        positional=(PATH,),
        options=(
            Parameter("digest", "string", "SHA-1 the file must have now; otherwise nothing is written"),
            REQUEST_ID,
        ),
    ),
    Command(
        "store outcome",
        "Say what became of the change that was asked for under a request id; exits 0, 1 (failed) or 2 (unknown).",
        outcome,
        (REQUEST_ID._replace(text="the id it was asked for with, on any node"),),
    ),
)
