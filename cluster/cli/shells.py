"""What shells and man(1) are told of pvecm, made from the commands themselves: completion for bash, zsh and fish, and
the manual page.

A parser of argparse is made from the commands for shtab, which writes the completions; nothing is parsed with it. The
page is written here, because every command's exit codes belong to it. `script/setup` puts both beside the program.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cluster.cli.arguments import SOCKET, Command, Parameter, Values, exit_codes, usage

if TYPE_CHECKING:
    import argparse

    from cluster.control.blocking import BlockingClient

SHELLS = ("bash", "zsh", "fish")
HELP_TEXT = "Show all commands, or how one is used."
ABOUT = """pvecm creates a cluster, takes nodes in and out of it, and tells how it stands. It asks the daemon of this
node over its control socket; what is left running when it is interrupted goes on there. Options begin with one dash
or two, take their value after a blank or an equals sign, and may be shortened as far as they stay unique."""


def completion(values: Values, _daemon: BlockingClient) -> int:
    print(completion_text(values["shell"]))
    return 0


def manual(_values: Values, _daemon: BlockingClient) -> int:
    print(page(_all()), end="")
    return 0


def _all() -> list[Command]:
    from cluster.cli.main import COMMANDS as known

    return list(known.values())


def completion_text(shell: str) -> str:
    import shtab

    return str(shtab.complete(_parser(_all()), shell))


def _parser(commands: Iterable[Command]) -> argparse.ArgumentParser:
    import argparse

    top = argparse.ArgumentParser(prog="pvecm", add_help=False)
    first = top.add_subparsers()
    groups: dict[str, argparse._SubParsersAction[argparse.ArgumentParser]] = {}
    made: dict[str, argparse.ArgumentParser] = {}
    for command in sorted(commands, key=lambda each: each.name):
        head, _, tail = command.name.partition(" ")
        if head not in made:
            made[head] = first.add_parser(head, help="" if tail else command.text, add_help=False)
        if tail:
            if head not in groups:
                groups[head] = made[head].add_subparsers()
            _fill(groups[head].add_parser(tail, help=command.text, add_help=False), command)
        else:
            _fill(made[head], command)
    helping = first.add_parser("help", help=HELP_TEXT, add_help=False)
    helping.add_argument("command", nargs="?", choices=sorted(made))
    return top


def _fill(parser: argparse.ArgumentParser, command: Command) -> None:
    for each in command.positional:
        parser.add_argument(each.name, nargs="?", choices=each.choices or None, help=each.text)
    for each in (*command.options, SOCKET):
        if each.kind == "boolean":
            parser.add_argument(f"--{each.name}", action="store_true", help=each.text)
        else:
            parser.add_argument(f"--{each.name}", choices=each.choices or None, help=each.text)


# --- the manual page --------------------------------------------------------------------------------------------------


def page(commands: Iterable[Command]) -> str:
    """man(7), section 8."""
    lines = ['.TH PVECM 8 "" Quire "System administration"', ".SH NAME", "pvecm \\- the cluster from the command line",
             ".SH SYNOPSIS", ".B pvecm", "COMMAND [ARGUMENTS] [OPTIONS]", ".SH DESCRIPTION", *_text(ABOUT),
             ".SH COMMANDS"]  # fmt: skip
    for command in commands:
        lines += [".SS " + _plain(usage(command)), *_text(command.text)]
        lines += [line for each in command.positional for line in _entry(f"<{each.name}>", each.text)]
        lines += [line for each in command.options for line in _entry(_typed(each), each.text)]
        lines += [".PP", "Exits " + _plain("; ".join(f"{code}: {said}" for code, said in exit_codes(command))) + "."]
    lines += [".SS " + _plain("pvecm help [<command>] [--verbose]"), *_text(HELP_TEXT)]
    lines += [".SH ENVIRONMENT", *_entry("QUIRE_SOCKET", SOCKET.text), ".SH EXIT STATUS",
              *_text("0 when it is done; 255 when it was wrongly typed; 130 when it was interrupted; else as each "
                     "command says.")]  # fmt: skip
    return "\n".join(lines) + "\n"


def _entry(term: str, text: str) -> list[str]:
    return [".TP", f".B {_plain(term)}", *_text(text)]


def _typed(option: Parameter) -> str:
    return f"--{option.name}" + ("" if option.kind == "boolean" else f" <{option.kind}>")


def _text(text: str) -> list[str]:
    return [_plain(line) for line in text.splitlines()]


def _plain(text: str) -> str:
    """As roff shows it unchanged: no macro at the start of a line, dashes that can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped


COMMANDS = (
    Command(
        "completion",
        "Print the completion of pvecm for a shell.",
        completion,
        positional=(Parameter("shell", "string", "bash, zsh or fish", choices=SHELLS),),
    ),
    Command("manual", "Print the manual page of pvecm, as man(1) reads it.", manual),
)
