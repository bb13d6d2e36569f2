"""What the daemon knows of the cluster now, as values, for the endpoints that show it."""

from __future__ import annotations

import msgspec

from cluster.control.requests import Status
from cluster.errors import NotFound
from cluster.model import ClusterState, NodeState
from datacenter import gateway


async def cluster_state() -> ClusterState:
    return msgspec.convert((await gateway.call(Status()))["cluster"], ClusterState)


async def node_state(name: str) -> NodeState:
    """A node of the cluster by its name. Raises NotFound."""
    found = (await cluster_state()).node(name)
    if found is None:
        raise NotFound(f"there is no node '{name}' here")
    return found
