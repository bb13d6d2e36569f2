"""The links of a cluster as pages count them. Pure."""

from __future__ import annotations

from cluster.model import ClusterState


def link_numbers(cluster: ClusterState) -> list[int]:
    """The links any node has, in order: the columns of the table of nodes."""
    return sorted({link.number for node in cluster.nodes for link in node.links})
