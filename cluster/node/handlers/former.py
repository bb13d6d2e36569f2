"""Requests about what this node was before it joined: the copies of its own store, and undoing the join."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.former_requests import FormerStores, UndoJoin
from cluster.control.requests import Request

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def stores(request: FormerStores) -> Any:
        joined = await node.workflows.joined()
        copies = await asyncio.to_thread(_copies, node.options.backup_dir)
        return {"joined": joined, "copies": copies}

    async def undo(request: UndoJoin) -> Any:
        return {"upid": await node.workflows.undo_join(request)}

    return {FormerStores: stores, UndoJoin: undo}


def _copies(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(folder.glob("store-*.db"), reverse=True):
        try:
            at = path.stat()
        except FileNotFoundError:
            continue  # the oldest one gave way meanwhile
        found.append({"name": path.name, "time_s": int(at.st_mtime), "size": at.st_size})
    return found
