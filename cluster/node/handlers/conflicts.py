"""Requests about what the cluster did not keep: changes this node had when another history was chosen at a merge.

Nothing of them is thrown away. They are listed, shown with what they would have written, and made again by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.requests import Request, StoreConflict, StoreConflictRestore, StoreConflicts
from cluster.core.log import Entry
from cluster.core.machine import CONFIGURATION, body_of
from cluster.core.operations import AnyOperation, Command, Expect, Expire, Holding, Mkdir, Remove, Rename, Touch, Write
from cluster.errors import Conflict as Contradiction
from cluster.errors import NotFound
from cluster.node.handlers.history import node_name
from cluster.node.store_doors import may_change, propose
from cluster.store.base import Conflict

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

LIMIT_MAX = 500
ID_CHARS = 16


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    async def listing(request: StoreConflicts) -> Any:
        may_change(request.user)
        found = await journal(min(max(request.limit, 1), LIMIT_MAX))
        return [_told(node, one, command, with_data=False) for one, command in found]

    async def show(request: StoreConflict) -> Any:
        may_change(request.user)
        return _told(node, *await named(request.id), with_data=True)

    async def restore(request: StoreConflictRestore) -> Any:
        may_change(request.user)
        _, command = await named(request.id)
        operations = list(_again(command))
        if not operations:
            raise Contradiction("This change only removed or moved things: there is nothing to make again.")
        if any(one.path == CONFIGURATION for one in operations):
            raise Contradiction("Membership is not brought back this way. Show it, and edit what is there.")
        revision = await propose(node, operations, request)
        return {"revision": revision, "paths": sorted(one.path for one in operations)}

    async def journal(limit: int) -> list[tuple[Conflict, Command]]:
        """Without what was asked for again under its id: that has happened after all."""
        kept = await asyncio.to_thread(node.life.disk.conflicts, limit)
        bodies = ((one, body_of(one.entry)) for one in kept)
        remembered = node.life.replica.machine.remembered
        return [(one, body) for one, body in bodies if isinstance(body, Command) and body.request_id not in remembered]

    async def named(conflict_id: str) -> tuple[Conflict, Command]:
        for one, command in await journal(LIMIT_MAX):
            if id_of(one.entry) == conflict_id:
                return one, command
        raise NotFound(f"There is no change {conflict_id} among those the cluster did not keep.")

    return {StoreConflicts: listing, StoreConflict: show, StoreConflictRestore: restore}


def id_of(entry: Entry) -> str:
    return entry.point.hash.hex()[:ID_CHARS]


def _again(command: Command) -> Iterator[Write | Mkdir]:
    """What the change would have made, whatever is there now, in folders that may be gone."""
    for one in command.operations:
        if isinstance(one, Write):
            folder = one.path.rpartition("/")[0]
            if folder:
                yield Mkdir(folder, parents=True)
            yield Write(one.path, one.data)
        elif isinstance(one, Mkdir) and not one.path.startswith("priv/lock/"):
            yield Mkdir(one.path, parents=True)


def _told(node: Daemon, one: Conflict, command: Command, *, with_data: bool) -> dict[str, Any]:
    conditions = (Expect, Holding)
    return {
        "id": id_of(one.entry),
        "time_s": one.time_s,
        "revision": [one.entry.point.epoch, one.entry.point.index],
        "user": command.user,
        "door": command.door,
        "node": node_name(node, command.node_id),
        "node_id": command.node_id,
        "made_s": command.time_ms / 1000,
        "operations": [_operation(each, with_data) for each in command.operations if not isinstance(each, conditions)],
    }


def _operation(one: AnyOperation, with_data: bool) -> dict[str, Any]:
    path = one.path if isinstance(one, Write | Mkdir | Remove | Touch | Expire) else ""
    told: dict[str, Any] = {
        "what": type(one).__name__.lower(),
        "path": one.target if isinstance(one, Rename) else path,
        "size": len(one.data) if isinstance(one, Write) else 0,
    }
    return told | ({"data": one.data if isinstance(one, Write) else None} if with_data else {})
