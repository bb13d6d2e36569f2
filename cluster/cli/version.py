"""`pvecm apiver`: the version of the interface nodes join by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.cli.arguments import FORMAT, Command, Values
from cluster.cli.output import present, style_of
from cluster.version import JOIN_API_VERSION

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient


def apiver(values: Values, daemon: BlockingClient) -> int:
    daemon.call({"method": "version"})  # a node whose daemon is down cannot be joined by any version
    present(JOIN_API_VERSION, style_of(values), lambda version: [str(version)])
    return 0


COMMANDS = (Command("apiver", "Show the version of the interface nodes join by.", apiver, options=(FORMAT,)),)
