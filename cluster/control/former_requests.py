"""Requests about what this node was before it joined its cluster, and about undoing that join."""

from __future__ import annotations

from cluster.control.request import Request


class FormerStores(Request, tag="cluster.former-stores"):
    """→ {joined: {cluster, time_s, backup, undo_until_s} | null, copies: [{name, time_s, size}]}: the join that may be
    undone now, and the copies of its own store that this node keeps, newest first."""


class UndoJoin(Request, tag="cluster.undo-join"):
    """→ {upid}. This node leaves and is again what it was before. `force` as for leaving. Raises NotFound, Conflict."""

    force: bool = False
    user: str = "root@pam"
