"""`pvecm token create|list|revoke`, `join` and `join-info`: joining by one string, with a token in it or without.

A string given as `-` is read from standard input, where no list of processes shows it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cluster.cli import terminal
from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.membership import JOIN_OPTIONS, begin, joining, refuse_inside_the_mount
from cluster.cli.output import present, show, style_of
from cluster.cli.planned import show_plan
from cluster.errors import InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

REQUEST_S = 60.0
SIZE_MAX = 8192  # characters read; the daemon has a closer bound


def create(values: Values, daemon: BlockingClient) -> int:
    if values.get("dry-run"):
        taken = _token(daemon, values["name"]) is not None
        step = f"Make the join token {values['name']}, for {values.get('uses', 1)} joins in {values.get('hours', 3)} h."
        obstacle = f"There is a join token named {values['name']} already." if taken else ""
        return show_plan({"steps": [step], "obstacle": obstacle}, style_of(values))
    asked = {"method": "join-token.create", "name": values["name"]}
    made = daemon.call(asked | {name: values[name] for name in ("uses", "hours") if name in values}, REQUEST_S)
    present(made, style_of(values), lambda told: [told["invitation"]])
    return 0


def rows(values: Values, daemon: BlockingClient) -> int:
    show(daemon.call({"method": "join-token.list"}, REQUEST_S), style_of(values))
    return 0


def _token(daemon: BlockingClient, name: str) -> dict[str, Any] | None:
    return next((row for row in daemon.call({"method": "join-token.list"}, REQUEST_S) if row["name"] == name), None)


def revoke(values: Values, daemon: BlockingClient) -> int:
    if values.get("dry-run"):
        obstacle = "" if _token(daemon, values["name"]) else f"There is no join token named {values['name']}."
        step = f"Let nobody join with the token {values['name']} any more."
        return show_plan({"steps": [step], "obstacle": obstacle}, style_of(values))
    daemon.call({"method": "join-token.revoke", "name": values["name"]}, REQUEST_S)
    return 0


def join_info(values: Values, daemon: BlockingClient) -> int:
    from cluster.workflow import invitation

    told = daemon.call({"method": "cluster.join-info"}, REQUEST_S)
    text = invitation.encode(told)
    present({**told, "invitation": text}, style_of(values), lambda _: [text])
    return 0


def join(values: Values, daemon: BlockingClient) -> int:
    refuse_inside_the_mount()
    return begin(values, daemon, {"method": "cluster.join"} | invited(values, daemon) | joining(values))


def invited(values: Values, daemon: BlockingClient) -> dict[str, Any]:
    """Whom the join information names, with its token, or the password that is asked for where it has none."""
    text = values["string"]
    text = sys.stdin.read(SIZE_MAX).strip() if text == "-" else text
    shown = daemon.call({"method": "cluster.decode-invitation", "text": text}, REQUEST_S)
    peer = {"hostname": shown["address"], "fingerprint": shown["fingerprint"]}
    if shown["token"]:
        return peer | {"token": shown["token"], "cluster_uuid": shown["cluster_uuid"]}
    password = terminal.ask_password(f"Password of root@pam on {terminal.printable(shown['address'])}: ")
    if not password:
        raise InvalidInput("A password is needed.", fields={"password": "it was left empty"})
    return peer | {"password": password}


COMMANDS = (
    Command(
        "join",
        "Make this node a member of a cluster by its join information; with a join token in it without a password.",
        join,
        positional=(Parameter("string", "string", "the join information, or - to read it"),),
        options=JOIN_OPTIONS,
        failed=1,
    ),
    Command("join-info", "Print the join information of this cluster, without a token.", join_info, options=(FORMAT,)),
    Command(
        "token create",
        "Make a join token; prints join information that holds it.",
        create,
        positional=(Parameter("name", "string", "a name to know it by"),),
        options=(
            Parameter("uses", "integer", "how many nodes may join with it (default: 1)", minimum=1),
            Parameter("hours", "integer", "how long it is good (default: 3)", minimum=1),
            DRY_RUN,
            FORMAT,
        ),
    ),
    Command("token list", "List the join tokens.", rows, options=(FORMAT,)),
    Command("token revoke", "Let nobody join with a token any more.", revoke,
            positional=(Parameter("name", "string", "its name"),), options=(DRY_RUN, FORMAT)),
)  # fmt: skip
