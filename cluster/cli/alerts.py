"""`pvecm alerts`: what is wrong now, and trying a target. Settings: `pvecm api … /cluster/alerts/settings`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from cluster.cli.arguments import WRONG, Command, Parameter, Values
from cluster.cli.terminal import printable
from cluster.errors import InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

REQUEST_S, TEST_S = 10.0, 60.0
NOTHING, SOMETHING = 0, 1


def alerts(values: Values, daemon: BlockingClient) -> int:
    form = values.get("output-format", "text")
    if form not in ("text", "json"):
        raise InvalidInput(WRONG, fields={"output-format": "this is text or json"})
    found = daemon.call({"method": "alert.list"}, REQUEST_S)
    if form == "json":
        print(json.dumps(found))
    else:
        for one in found["current"]:
            told = "silenced" if one["silenced"] else "told" if one["told"] else "not told yet"
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one["since_s"]))
            print(printable(f"{since}  {one['kind']:<16} {one['sentence']} ({told})"))
        if not found["current"]:
            print("Nothing is wrong.")
    return SOMETHING if found["current"] else NOTHING


def test(values: Values, daemon: BlockingClient) -> int:
    told = daemon.call({"method": "alert.test", "type": values["type"], "id": values["id"]}, TEST_S)
    print(printable(told["answer"]))
    return 0 if told["arrived"] else 1


COMMANDS = (
    Command(
        "alerts test",
        "Send a test to an alert target and show what it answered.",
        test,
        positional=(
            Parameter("type", "string", "smtp, webhook, ntfy or gotify"),
            Parameter("id", "string", "the target's name"),
        ),
        failed=1,
    ),
    Command(
        "alerts",
        "What is wrong with the cluster now.",
        alerts,
        options=(Parameter("output-format", "string", "text (the default) or json"),),
    ),
)
