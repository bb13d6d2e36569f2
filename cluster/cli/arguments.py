"""What a command takes and how it is typed, after pvecm: `-x`, `--x`, `--x=v`, bare booleans, unique beginnings.

Turns words into typed values or raises `InvalidInput` with a reason per parameter; what the values mean to the
cluster is checked by the daemon. Knows no command; those are in the files beside this one, one per noun.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from cluster.errors import InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

TRUE_WORDS = ("1", "on", "yes", "true")
FALSE_WORDS = ("0", "off", "no", "false")
WRONG = "The command cannot be run as it was typed."

Values = dict[str, Any]


class Parameter(NamedTuple):
    """An option, or a positional argument. `kind` is `string`, `integer` or `boolean`; a string may be one of
    `choices`."""

    name: str
    kind: str
    text: str
    minimum: int = 0
    optional: bool = False
    choices: tuple[str, ...] = ()


class Command(NamedTuple):
    """`name` may be two words. `run` returns the exit code; `failed` is the one for an error it raises, `exits` are
    those that mean something of their own. An `open` command takes any further option with its value, as pairs under
    `given`."""

    name: str
    text: str
    run: Callable[[Values, BlockingClient], int]
    positional: tuple[Parameter, ...] = ()
    options: tuple[Parameter, ...] = ()
    failed: int = 255
    open: bool = False
    exits: tuple[tuple[int, str], ...] = ()


SOCKET = Parameter("socket", "string", "control socket of the node's daemon (default: QUIRE_SOCKET)")
HELP = Parameter("help", "boolean", "show how the command is used")
EVERYWHERE = (SOCKET, HELP)
FORMATS = ("text", "json", "json-pretty", "yaml")
FORMAT = Parameter("output-format", "string", "text (the default), json, json-pretty or yaml", choices=FORMATS)
DRY_RUN = Parameter("dry-run", "boolean", "say what would be done, and change nothing")
USAGE_FAILED, INTERRUPTED = 255, 130


def parse(command: Command, words: Sequence[str]) -> Values:
    """The values given, by name; what was not given is not there. Raises `InvalidInput`."""
    options = {each.name: each for each in (*command.options, *EVERYWHERE)}
    values: Values = {"given": []} if command.open else {}
    plain: list[str] = []
    faults: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            plain += rest
            break
        if len(word) < 2 or not word.startswith("-"):
            plain.append(word)
            continue
        name, has_value, value = word.lstrip("-").partition("=")
        option = options.get(name) if command.open else _found(options, name)
        if option is None and command.open and (has_value or rest):
            values["given"].append((name, value if has_value else rest.pop(0)))
        elif option is None:
            faults[name] = "there is no such option, or its beginning fits several"
        elif not has_value and option.kind == "boolean":
            follows = bool(rest) and rest[0].lower() in TRUE_WORDS + FALSE_WORDS
            _keep(values, faults, option, rest.pop(0) if follows else "1")
        elif not has_value and not rest:
            faults[option.name] = "the value is missing"
        else:
            _keep(values, faults, option, value if has_value else rest.pop(0))
    if not values.get("help"):
        _keep_positional(values, faults, command, plain)
    if faults:
        raise InvalidInput(WRONG, fields=faults)
    return values


def _found(options: dict[str, Parameter], name: str) -> Parameter | None:
    """The option of this name, or the only one that begins with it."""
    if name in options:
        return options[name]
    begin = [option for known, option in options.items() if name and known.startswith(name)]
    return begin[0] if len(begin) == 1 else None


def _keep_positional(values: Values, faults: dict[str, str], command: Command, plain: list[str]) -> None:
    for parameter, word in zip(command.positional, plain, strict=False):
        _keep(values, faults, parameter, word)
    for parameter in command.positional[len(plain) :]:
        if not parameter.optional:
            faults[parameter.name] = "this argument is missing"
    for word in plain[len(command.positional) :]:
        faults[word] = "this argument is one too many"


def _keep(values: Values, faults: dict[str, str], parameter: Parameter, word: str) -> None:
    if parameter.kind == "string" and parameter.choices and word not in parameter.choices:
        faults[parameter.name] = f"this is one of {', '.join(parameter.choices)}"
    elif parameter.kind == "string":
        values[parameter.name] = word
    elif parameter.kind == "boolean":
        if word.lower() in TRUE_WORDS + FALSE_WORDS:
            values[parameter.name] = word.lower() in TRUE_WORDS
        else:
            faults[parameter.name] = "this is a switch: 1 or 0, on or off, yes or no, true or false"
    elif not (word.isascii() and word.isdigit() and len(word) <= 9):
        faults[parameter.name] = "this is a whole number"
    elif int(word) < parameter.minimum:
        faults[parameter.name] = f"the smallest value is {parameter.minimum}"
    else:
        values[parameter.name] = int(word)


def usage(command: Command) -> str:
    """One line."""
    words = [f"[<{each.name}>]" if each.optional else f"<{each.name}>" for each in command.positional]
    return " ".join(["pvecm", command.name, *words, *(["[OPTIONS]"] if command.options else [])])


def help_text(command: Command) -> str:
    """The usage, what the command does, and each of its parameters."""
    lines = [f"USAGE: {usage(command)}", "", f"  {command.text}", ""]
    for each in command.positional:
        lines.append(f"  {f'<{each.name}>':<28}{each.text}")
    for text, group in groupby((*command.options, SOCKET), key=lambda each: each.text):
        first, *others = group  # options that differ in their number only share a line
        value = "" if first.kind == "boolean" else f" <{first.kind}>"
        upto = f"..{others[-1].name[-1]}" if others else ""
        lines.append(f"  {f'--{first.name}{upto}{value}':<28}{text}")
    lines.append(f"  exits: {'; '.join(f'{code} {meaning}' for code, meaning in exit_codes(command))}")
    return "\n".join(lines) + "\n"


def exit_codes(command: Command) -> list[tuple[int, str]]:
    """What a script may rely on, each code once."""
    known = dict(command.exits)
    known.setdefault(0, "done")
    known.setdefault(command.failed, "refused or failed: standard error says why")
    if command.failed != USAGE_FAILED:
        known.setdefault(USAGE_FAILED, "wrongly typed")
    return sorted(known.items())
