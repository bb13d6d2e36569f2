"""`pvecm mtunnel`: what another node asks over ssh before it moves something here, as Proxmox VE's migrations do.

Answers with this node's address in the migration network, or stays open until it is told to quit. It runs no command
of the other side.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import TYPE_CHECKING

from cluster.cli.arguments import FORMAT, WRONG, Command, Parameter, Values
from cluster.cli.output import present, style_of
from cluster.errors import InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

READY, NO_QUORUM = 0, 1


def mtunnel(values: Values, daemon: BlockingClient) -> int:
    if values.get("run-command") or values.get("extra-args"):
        reason = "Quire moves no guests, so there is no command to run here"
        raise InvalidInput(WRONG, fields={"run-command" if values.get("run-command") else "extra-args": reason})
    style = style_of(values)
    report = daemon.call({"method": "engine.report"})
    quorate = bool(report["running"] and report["quorum"] and report["quorum"]["quorate"])
    if report["running"] and not quorate:
        present({"quorate": False}, style, lambda _: ["no quorum"])
        return NO_QUORUM
    if values.get("get_migration_ip"):
        address = _address(daemon, values.get("migration_network", ""))
        present({"ip": address}, style, lambda _: [f"ip: '{address}'" if address else "no ip"])
        return READY
    present({"tunnel": "online"}, style, lambda _: ["tunnel online"])
    sys.stdout.flush()
    for line in sys.stdin:
        if line.strip() == "quit":
            break
    return READY


def _address(daemon: BlockingClient, network: str) -> str:
    """This host's own in that network; "" where it has none, or no network is meant."""
    if not network:
        return ""
    try:
        wanted = ipaddress.ip_network(network, strict=False)
    except ValueError:
        raise InvalidInput(WRONG, fields={"migration_network": "this is a network as 192.0.2.0/24"}) from None
    for row in daemon.call({"method": "network.interfaces"}):
        for address in filter(None, (row.get("address"), row.get("address6"))):
            if ipaddress.ip_address(address.partition("/")[0]) in wanted:
                return str(address)
    return ""


COMMANDS = (
    Command(
        "mtunnel",
        "Answer another node's migration: this node's address, or a tunnel that stays open until 'quit'.",
        mtunnel,
        positional=(Parameter("extra-args", "string", "known from Proxmox VE and refused", optional=True),),
        options=(
            Parameter("get_migration_ip", "boolean", "say this node's address in the migration network"),
            Parameter("migration_network", "string", "that network, as 192.0.2.0/24"),
            Parameter("run-command", "boolean", "known from Proxmox VE and refused"),
            FORMAT,
        ),
        exits=((READY, "answered"), (NO_QUORUM, "no quorum")),
    ),
)
