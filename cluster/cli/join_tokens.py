"""`pvecm token create|list|revoke`, `join` and `join-info`: joining by one string, with a token in it or without.

A string given as `-` is read from standard input, where no list of processes shows it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cluster.cli import terminal
from cluster.cli.arguments import FORMAT, Command, Parameter, Values, is_json
from cluster.cli.membership import JOIN_OPTIONS, given_links, refuse_inside_the_mount
from cluster.cli.output import Style, show
from cluster.cli.task import follow
from cluster.errors import InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

REQUEST_S = 60.0
SIZE_MAX = 8192  # characters read; the daemon has a closer bound


def create(values: Values, daemon: BlockingClient) -> int:
    as_json = is_json(values)
    asked = {"method": "join-token.create", "name": values["name"]}
    made = daemon.call(asked | {name: values[name] for name in ("uses", "hours") if name in values}, REQUEST_S)
    if as_json:
        show(made, Style("json"))
    else:
        print(made["invitation"])
    return 0


def rows(values: Values, daemon: BlockingClient) -> int:
    as_json = is_json(values)
    show(daemon.call({"method": "join-token.list"}, REQUEST_S), Style("json" if as_json else "text", border=False))
    return 0


def revoke(values: Values, daemon: BlockingClient) -> int:
    daemon.call({"method": "join-token.revoke", "name": values["name"]}, REQUEST_S)
    return 0


def join_info(values: Values, daemon: BlockingClient) -> int:
    from cluster.workflow import invitation

    print(invitation.encode(daemon.call({"method": "cluster.join-info"}, REQUEST_S)))
    return 0


def join(values: Values, daemon: BlockingClient) -> int:
    refuse_inside_the_mount()
    text = values["string"]
    text = sys.stdin.read(SIZE_MAX).strip() if text == "-" else text
    shown = daemon.call({"method": "cluster.decode-invitation", "text": text}, REQUEST_S)
    asked = {"method": "cluster.join", "hostname": shown["address"], "fingerprint": shown["fingerprint"]}
    if shown["token"]:
        asked |= {"token": shown["token"], "cluster_uuid": shown["cluster_uuid"]}
    else:
        asked["password"] = terminal.ask_password(f"Password of root@pam on {terminal.printable(shown['address'])}: ")
        if not asked["password"]:
            raise InvalidInput("A password is needed.", fields={"password": "it was left empty"})
    asked |= {name: values[name] for name in ("nodeid", "votes", "force") if name in values}
    return follow(daemon, daemon.call(asked | {"links": given_links(values)}, REQUEST_S)["upid"])


COMMANDS = (
    Command(
        "join",
        "Make this node a member of a cluster by its join information; with a join token in it without a password.",
        join,
        positional=(Parameter("string", "string", "the join information, or - to read it"),),
        options=JOIN_OPTIONS,
        failed=1,
    ),
    Command("join-info", "Print the join information of this cluster, without a token.", join_info),
    Command(
        "token create",
        "Make a join token; prints join information that holds it.",
        create,
        positional=(Parameter("name", "string", "a name to know it by"),),
        options=(
            Parameter("uses", "integer", "how many nodes may join with it (default: 1)", minimum=1),
            Parameter("hours", "integer", "how long it is good (default: 3)", minimum=1),
            FORMAT,
        ),
    ),
    Command("token list", "List the join tokens.", rows, options=(FORMAT,)),
    Command("token revoke", "Let nobody join with a token any more.", revoke,
            positional=(Parameter("name", "string", "its name"),)),
)  # fmt: skip
