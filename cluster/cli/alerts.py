"""`pvecm alerts`: what is wrong now, and trying a target. Settings: `pvecm api … /cluster/alerts/settings`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.output import present, style_of
from cluster.cli.planned import show_plan
from cluster.cli.terminal import printable

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

REQUEST_S, TEST_S = 10.0, 60.0
NOTHING, SOMETHING = 0, 1


def alerts(values: Values, daemon: BlockingClient) -> int:
    found = daemon.call({"method": "alert.list"}, REQUEST_S)
    present(found, style_of(values), _lines)
    return SOMETHING if found["current"] else NOTHING


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for one in found["current"]:
        told = "silenced" if one["silenced"] else "told" if one["told"] else "not told yet"
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one["since_s"]))
        yield printable(f"{since}  {one['kind']:<16} {one['sentence']} ({told})")
    if not found["current"]:
        yield "Nothing is wrong."


def test(values: Values, daemon: BlockingClient) -> int:
    if values.get("dry-run"):
        step = f"Send a test to the target {values['id']} of the kind {values['type']}."
        return show_plan({"steps": [step]}, style_of(values))
    told = daemon.call({"method": "alert.test", "type": values["type"], "id": values["id"]}, TEST_S)
    present(told, style_of(values), lambda said: [printable(said["answer"])])
    return 0 if told["arrived"] else 1


COMMANDS = (
    Command(
        "alerts test",
        "Send a test to an alert target and show what it answered.",
        test,
        positional=(
            Parameter("type", "string", "the kind of target", choices=("smtp", "webhook", "ntfy", "gotify")),
            Parameter("id", "string", "the target's name"),
        ),
        options=(DRY_RUN, FORMAT),
        failed=1,
        exits=((0, "it arrived"), (1, "it did not arrive, or could not be sent")),
    ),
    Command(
        "alerts",
        "What is wrong with the cluster now.",
        alerts,
        options=(FORMAT,),
        exits=((NOTHING, "nothing is wrong"), (SOMETHING, "something is wrong")),
    ),
)
