"""`pvecm create`, `add`, `leave` and `undo join`: how this node becomes a member and ceases to be.

The daemon does the work as a task; here its log is followed to the end. A peer's certificate is shown and confirmed by
its fingerprint before the daemon is asked, and the password is typed, never an argument.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cluster.cli import terminal
from cluster.cli.arguments import DRY_RUN, FORMAT, WRONG, Command, Parameter, Values
from cluster.cli.output import present, style_of
from cluster.cli.planned import show_plan
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
    return begin(values, daemon, asked)


def begin(values: Values, daemon: BlockingClient, asked: dict[str, Any]) -> int:
    """Ask for what a task does and follow it, or with --dry-run for its plan. `asked` is the request of the task."""
    if values.get("dry-run"):
        return show_plan(daemon.call({"method": "cluster.plan", "asked": asked}, REQUEST_S), style_of(values))
    return follow(daemon, daemon.call(asked, REQUEST_S)["upid"], style_of(values))


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
    return begin(values, daemon, asked | joining(values))


def joining(values: Values) -> dict[str, Any]:
    """What both ways of joining may be asked for beside the peer."""
    given = {name: values[name] for name in ("nodeid", "votes", "force") if name in values}
    return given | {"links": given_links(values)} | ({"brings": True} if values.get("import") else {})


def leave(values: Values, daemon: BlockingClient) -> int:
    refuse_inside_the_mount()
    asked = {"method": "cluster.leave", "force": bool(values.get("force"))}
    return begin(values, daemon, asked | ({"even_if_alive": True} if values.get("even-if-alive") else {}))


def addnode(values: Values, daemon: BlockingClient) -> int:
    """A member's part of a join, without the joiner; says nothing when all is well, as Proxmox VE's."""
    asked = {"method": "cluster.add-node", "node": values["node"], "links": given_links(values)}
    asked |= {
        name: values[name] for name in ("nodeid", "votes", "force", "new_node_ip", "apiversion") if name in values
    }
    if values.get("dry-run"):
        return show_plan(daemon.call({"method": "cluster.plan", "asked": asked}, REQUEST_S), style_of(values))
    told = daemon.call(asked, REQUEST_S)
    for warning in told["warnings"]:
        terminal.complain(warning)
    open_part = {name: told[name] for name in ("corosync_conf", "warnings")}  # the key is for the joiner alone
    present(open_part, style_of(values), lambda _: [])
    return 0


def undo_join(values: Values, daemon: BlockingClient) -> int:
    refuse_inside_the_mount()
    if values.get("dry-run"):
        told = daemon.call({"method": "cluster.former-stores"}, REQUEST_S)["joined"]
        plan = {"steps": [], "warnings": [], "obstacle": "There is no join of the last day to undo."}
        if told is not None:
            plan |= {"steps": [f"Leave {told['cluster']}.", f"Put back {told['backup']}."], "obstacle": ""}
        return show_plan(plan, style_of(values))
    return begin(values, daemon, {"method": "cluster.undo-join", "force": bool(values.get("force"))})


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


NODE_ID = Parameter("nodeid", "integer", "id of this node (default: the lowest free one)", minimum=1)

JOIN_OPTIONS = (
    *LINK_OPTIONS,
    Parameter("import", "boolean", "bring this node's own configuration along; --dry-run shows what becomes of it"),
    NODE_ID,
    Parameter("votes", "integer", "votes of this node (default: 1)"),
    Parameter("force", "boolean", "go on where the checks of this node find fault"),
    DRY_RUN,
    FORMAT,
)

FORCE = Parameter("force", "boolean", "go on where the cluster has no quorum to agree")

ALIVE = Parameter("even-if-alive", "boolean", "with force, also where an absent node answers")

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
            DRY_RUN,
            FORMAT,
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
        options=(FORCE, ALIVE, DRY_RUN, FORMAT),
        failed=1,
    ),
    Command(
        "undo join",
        "Leave the cluster and be again what this node was before it joined, within a day.",
        undo_join,
        options=(FORCE, DRY_RUN, FORMAT),
        failed=1,
    ),
    Command(
        "addnode",
        "List a node that joins in corosync.conf, as a member does; taken back in a few minutes if it does not come.",
        addnode,
        positional=(Parameter("node", "string", "name of the new node"),),
        options=(
            *LINK_OPTIONS,
            Parameter("nodeid", "integer", "id of the new node (default: the lowest free one)", minimum=1),
            Parameter("votes", "integer", "votes of the new node (default: 1)"),
            Parameter("force", "boolean", "also where a node of this name is listed and not online"),
            Parameter("new_node_ip", "string", "its address, where the cluster has a single link and none is given"),
            Parameter("apiversion", "integer", "version of the join interface the new node speaks"),
            DRY_RUN,
            FORMAT,
        ),
    ),
)
