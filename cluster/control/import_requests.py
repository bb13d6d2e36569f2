"""Requests about what a node brings along when it joins, and about what the cluster has already."""

from __future__ import annotations

from cluster.control.request import Request


class ContentTaken(Request, tag="cluster.content-taken"):
    """→ {files: {path: SHA-1}, storages: {head: SHA-1}, guests: [number]}: what a joining node's own files could
    collide with. Nothing secret is named."""

    user: str = "root@pam"


class PlanImport(Request, tag="cluster.plan-import"):
    """→ [{path, what, becomes, sentence}]: what would become of this node's own configuration in a cluster that has
    nothing of the same names and numbers; empty where the node has none. `becomes`: kept, renamed, re-numbered,
    dropped."""

    user: str = "root@pam"
