"""What the daemon knows of the cluster now, as values, for the endpoints that show it."""

from __future__ import annotations

import msgspec

from cluster.control.requests import Status
from cluster.errors import NotFound, PeerError
from cluster.model import ClusterState, NodeState
from datacenter import gateway

LOCALHOST = "localhost"


async def cluster_state() -> ClusterState:
    return msgspec.convert((await gateway.call(Status()))["cluster"], ClusterState)


async def node_state(name: str) -> NodeState:
    """A node of the cluster by its name, or this one as `localhost`. Raises NotFound."""
    state = await cluster_state()
    found = state.node(state.local_node if name == LOCALHOST else name)
    if found is None:
        raise NotFound(f"there is no node '{name}' here")
    return found


async def this_node(name: str, what: str) -> NodeState:
    """The same, for what only the node itself can tell. Raises PeerError for another node."""
    found = await node_state(name)
    if not found.local:
        raise PeerError(f"{what} of node '{name}' is known on that node only: ask it there")
    return found
