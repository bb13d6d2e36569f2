"""`pvecm create`, `add` and `leave`: how this node becomes a member and ceases to be.

The daemon does the work as a task; here its log is followed to the end. A peer's certificate is shown and confirmed by
its fingerprint before the daemon is asked, and the password is typed, never an argument.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cluster.cli import terminal
from cluster.cli.arguments import WRONG, Command, Parameter, Values
from cluster.cli.task import follow
from cluster.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient

LINKS = range(8)
MOUNT = "/etc/pve"
REQUEST_S = 60.0

LINK_OPTIONS = tuple(
    Parameter(f"link{number}", "string", "[address=]<IP or name>[,priority=<0..255>]: address on this link")
    for number in LINKS
)


def create(values: Values, daemon: BlockingClient) -> int:
    asked = {"method": "cluster.create", "clustername": values["clustername"], "links": given_links(values)}
    asked |= {name: values[name] for name in ("nodeid", "votes") if name in values}
    if "token-coefficient" in values:
        asked["token_coefficient"] = values["token-coefficient"]
    return follow(daemon, daemon.call(asked, REQUEST_S)["upid"])


def add(values: Values, daemon: BlockingClient) -> int:
    refuse_inside_the_mount()
    if values.get("use_ssh"):
        reason = "a node joins over HTTPS, without ssh; leave this option out"
        raise InvalidInput(WRONG, fields={"use_ssh": reason})
    daemon.call({"method": "version"})  # no password is asked for when nobody is there to use it
    hostname = values["hostname"]
    password = terminal.ask_password(f"Password of root@pam on {terminal.printable(hostname)}: ")
    if not password:
        raise InvalidInput("A password is needed.", fields={"password": "it was left empty"})
    fingerprint = values.get("fingerprint") or _confirmed_fingerprint(hostname)
    asked = {"method": "cluster.join", "hostname": hostname, "password": password, "fingerprint": fingerprint}
    asked |= {name: values[name] for name in ("nodeid", "votes", "force") if name in values}
    return follow(daemon, daemon.call(asked | {"links": given_links(values)}, REQUEST_S)["upid"])


def leave(values: Values, daemon: BlockingClient) -> int:
    refuse_inside_the_mount()
    asked = {"method": "cluster.leave", "force": bool(values.get("force"))}
    return follow(daemon, daemon.call(asked, REQUEST_S)["upid"])


def given_links(values: Values) -> dict[int, str]:
    return {number: values[f"link{number}"] for number in LINKS if f"link{number}" in values}


def refuse_inside_the_mount() -> None:
    """Joining and leaving replace the store; a shell that stands in its mount would be left in a folder
    that is gone."""
    mount = os.environ.get("QUIRE_MOUNT", MOUNT)
    if mount == "none":
        return
    try:
        here = os.getcwd()
    except FileNotFoundError:
        return
    mount = os.path.realpath(mount)
    if here == mount or here.startswith(mount + "/"):
        raise Conflict(f"The working directory is inside {mount}, which this replaces. Change to another one first.")


def _confirmed_fingerprint(hostname: str) -> str:
    from cluster.control.pinned import PORT, probe_fingerprint

    fingerprint = probe_fingerprint(hostname, PORT)
    print(f"The node at {terminal.printable(hostname)} shows a certificate with the SHA-256 fingerprint")
    print(f"  {fingerprint}", flush=True)
    if terminal.ask("Is this the fingerprint of the node you mean to join? Type yes to go on: ") != "yes":
        raise Conflict("The fingerprint was not confirmed. Nothing was sent to that node, and nothing was changed.")
    return fingerprint


JOIN_OPTIONS = (
    *LINK_OPTIONS,
    Parameter("nodeid", "integer", "id of this node (default: the lowest free one)", minimum=1),
    Parameter("votes", "integer", "votes of this node (default: 1)"),
    Parameter("force", "boolean", "go on where the checks of this node find fault"),
)

COMMANDS = (
    Command(
        "create",
        "Create a cluster with this node as its first member.",
        create,
        positional=(Parameter("clustername", "string", "name of the cluster, at most 15 letters, digits and dashes"),),
        options=(
            *LINK_OPTIONS,
            Parameter("nodeid", "integer", "id of this node (default: 1)", minimum=1),
            Parameter("votes", "integer", "votes of this node (default: 1)", minimum=1),
            Parameter("token-coefficient", "integer", "ms added to the token timeout per node (default: 125)"),
        ),
    ),
    Command(
        "add",
        "Make this node a member of the cluster of another node. Asks for that node's password.",
        add,
        positional=(Parameter("hostname", "string", "name or IP address of a member"),),
        options=(
            *JOIN_OPTIONS,
            Parameter("fingerprint", "string", "SHA-256 fingerprint the member's certificate must have"),
            Parameter("use_ssh", "boolean", "known from Proxmox VE and refused: joining needs no ssh"),
        ),
    ),
    Command(
        "leave",
        "Take this node out of its cluster and make it stand-alone.",
        leave,
        options=(Parameter("force", "boolean", "go on where the cluster has no quorum to agree"),),
        failed=1,
    ),
)
