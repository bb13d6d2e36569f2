"""`pvecm rename node` and `rename cluster`: another name, as a task that is followed; --dry-run shows its plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.cli.arguments import DRY_RUN, FORMAT, Command, Parameter, Values
from cluster.cli.membership import begin

if TYPE_CHECKING:
    from cluster.control.blocking import BlockingClient


def node(values: Values, daemon: BlockingClient) -> int:
    return begin(values, daemon, {"method": "cluster.rename", "node": values["node"], "name": values["name"]})


def cluster(values: Values, daemon: BlockingClient) -> int:
    return begin(values, daemon, {"method": "cluster.rename", "name": values["name"]})


NAME = Parameter("name", "string", "the new name")

COMMANDS = (
    Command(
        "rename node",
        "Give a node another name, with all that names it. Rename it again to take that back.",
        node,
        positional=(Parameter("node", "string", "the node's name now"), NAME),
        options=(DRY_RUN, FORMAT),
        failed=1,
    ),
    Command("rename cluster", "Give the cluster another name.", cluster, (NAME,), (DRY_RUN, FORMAT), failed=1),
)
