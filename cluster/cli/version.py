"""`pvecm apiver`: the version of the interface nodes join by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.cli.arguments import Command, Values
from cluster.version import JOIN_API_VERSION

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient


def apiver(_values: Values, daemon: BlockingClient) -> int:
    daemon.call({"method": "version"})  # a node whose daemon is down cannot be joined by any version
    print(JOIN_API_VERSION)
    return 0


COMMANDS = (Command("apiver", "Show the version of the interface nodes join by.", apiver),)
