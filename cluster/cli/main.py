"""pvecm: the cluster from the command line, with the arguments, layouts and exit codes of Proxmox VE's tool.

Finds the command, parses its words, asks the daemon over its control socket, and turns errors into sentences on
standard error. Unlike there, what failed exits non-zero. Starts without Django and without an event loop.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cluster.cli import (
    alerts,
    api,
    events,
    exchange,
    health,
    history,
    join_tokens,
    keys,
    links,
    membership,
    quorum,
    removal,
    rename,
    shells,
    store,
    tunnel,
    version,
    what_if,
    witness,
)
from cluster.cli.arguments import INTERRUPTED, USAGE_FAILED, Command, help_text, parse, usage
from cluster.cli.terminal import complain
from cluster.control.blocking import BlockingClient
from cluster.errors import InvalidInput, QuireError

SOCKET = "/var/lib/quire/control.sock"

COMMANDS = {each.name: each for each in (
    *membership.COMMANDS, *removal.COMMANDS, *quorum.COMMANDS, *version.COMMANDS, *store.COMMANDS,
    *api.COMMANDS, *history.COMMANDS, *exchange.COMMANDS, *health.COMMANDS, *what_if.COMMANDS, *links.COMMANDS,
    *events.COMMANDS, *alerts.COMMANDS, *join_tokens.COMMANDS, *keys.COMMANDS,
    *tunnel.COMMANDS, *shells.COMMANDS, *witness.COMMANDS, *rename.COMMANDS,
)}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """→ the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _dispatch(words)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return USAGE_FAILED  # whoever read the output has left
    except KeyboardInterrupt:
        return INTERRUPTED


def _dispatch(words: list[str]) -> int:
    socket, words = _leading_socket(words)
    if words[:1] == ["help"] or words in (["--help"], ["-h"]):
        return _help(words[1:])
    command = COMMANDS.get(" ".join(words[:2])) or COMMANDS.get(" ".join(words[:1]))
    if command is None:
        return _unknown(words)
    try:
        values = parse(command, words[len(command.name.split()) :])
        if values.get("help"):
            print(help_text(command), end="")
            return 0
        path = values.get("socket") or socket or os.environ.get("QUIRE_SOCKET") or SOCKET
        return command.run(values, BlockingClient(path))
    except InvalidInput as error:
        return _wrong(command, error)
    except QuireError as error:
        sys.stdout.flush()
        complain(error.message)
        return command.failed


def _leading_socket(words: list[str]) -> tuple[str, list[str]]:
    """`--socket PATH` may also stand before the command."""
    if words and words[0] in ("--socket", "-socket") and len(words) > 1:
        return words[1], words[2:]
    if words and words[0].startswith(("--socket=", "-socket=")):
        return words[0].partition("=")[2], words[1:]
    return "", words


def _wrong(command: Command, error: InvalidInput) -> int:
    """A fault in what was given, found here or by the daemon."""
    names = {each.name for each in (*command.positional, *command.options)}
    complain(f"400 {error.message}")
    for name, reason in error.fields.items():
        typed = name.replace("_", "-")
        complain(f"{typed if typed in names else name}: {reason}")
    complain(usage(command))
    return USAGE_FAILED


def _unknown(words: list[str]) -> int:
    begun = [each for each in COMMANDS.values() if words and each.name.startswith(f"{words[0]} ")]
    if not begun:
        complain(f"There is no command '{words[0]}'." if words else "A command is missing.")
    complain("USAGE: pvecm <COMMAND> [ARGS] [OPTIONS]")
    for each in begun or COMMANDS.values():
        complain(f"       {usage(each)}")
    return USAGE_FAILED


def _help(words: list[str]) -> int:
    verbose = [word for word in words if word in ("-verbose", "--verbose", "-v")]
    name = " ".join(word for word in words if word not in verbose)
    chosen = [each for each in COMMANDS.values() if not name or each.name == name or each.name.startswith(f"{name} ")]
    if not chosen:
        return _unknown(name.split())
    if name or verbose:
        print("\n".join(map(help_text, chosen)), end="")
    else:
        print("USAGE: pvecm <COMMAND> [ARGS] [OPTIONS]\n")
        for each in chosen:
            print(f"       {usage(each):<44}{each.text}")
        print(f"       {'pvecm help [<command>] [--verbose]':<44}Show this, or how a command is used.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
