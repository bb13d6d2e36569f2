"""The person at the terminal: what is shown to them, and what they are asked.

Text from elsewhere is made harmless before it is shown. Without a terminal, answers are lines of standard input.
"""

from __future__ import annotations

import sys


def printable(text: str) -> str:
    """The text with everything a terminal might obey written out as its code."""
    return "".join(
        each if each.isprintable() or each == "\t" else each.encode("unicode_escape").decode() for each in text
    )


def complain(sentence: str) -> None:
    print(printable(sentence), file=sys.stderr, flush=True)


def ask_password(prompt: str) -> str:
    """Typed without echo; from a pipe, one line."""
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass(prompt)
    return _line()


def ask(question: str) -> str:
    if sys.stdin.isatty():
        print(question, end="", flush=True)
    return _line()


def _line() -> str:
    return sys.stdin.readline(4096).rstrip("\r\n")
