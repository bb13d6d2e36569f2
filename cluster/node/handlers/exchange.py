"""Requests that bring a `config.db` in, or take one out. For root@pam.

Files pass through one folder of the state directory, which only root can open; a request never names another place.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.control.conversation import Handler
from cluster.control.requests import Request, StoreExchange, StoreExport, StoreImport
from cluster.core.tree import Tree
from cluster.errors import Conflict, InvalidInput
from cluster.node.store_doors import may_change
from cluster.store import exchange

if TYPE_CHECKING:
    from cluster.node.daemon import Daemon

KEPT_MAX = 4  # files somebody asked for and never took


def handlers(node: Daemon) -> dict[type[Request], Handler]:
    folder = node.options.state_dir / "exchange"

    async def place(request: StoreExchange) -> Any:
        may_change(request.user)
        return {"folder": str(_ready(folder))}

    async def give(request: StoreExport) -> Any:
        may_change(request.user)
        path = _ready(folder) / f"{secrets.token_hex(8)}.db"
        tree = node.life.tree
        root = tree.entries[0]
        copy = Tree.from_entries(tuple(tree.walk()), tree.version, root.mtime_s, root.writer)
        await asyncio.to_thread(exchange.write, path, copy)
        point = node.life.replica.machine.log.commit
        return {"file": str(path), "entries": len(copy.entries) - 1, "revision": [point.epoch, point.index]}

    async def take(request: StoreImport) -> Any:
        may_change(request.user)
        if "/" in request.name or request.name in ("", ".", ".."):
            raise InvalidInput("Only a file in the folder of exchange can be imported.")
        with _once(folder / request.name) as path:
            return await _take(node, path, request.force, request.dry_run)

    return {StoreExchange: place, StoreExport: give, StoreImport: take}


async def _take(node: Daemon, path: Path, force: bool, dry_run: bool) -> Any:
    _check_alone(node)
    foreign = await asyncio.to_thread(exchange.read, path)
    if not force and not await node.host.store_is_pristine():
        raise Conflict("This node's store holds more than a new node's. With --force it is replaced; a backup is made.")
    made = path.with_name(path.name + ".store")
    try:
        notes = await asyncio.to_thread(exchange.as_store, made, foreign, str(uuid.uuid4()))
        _check_alone(node)
        backup = "" if dry_run else await node.host.backup_store()
        if not dry_run:
            await node.life.restore(made)
    finally:
        for suffix in ("", "-wal", "-shm"):
            made.with_name(made.name + suffix).unlink(missing_ok=True)
    size = sum(entry.size for entry in foreign.entries)
    where = str(node.options.backup_dir / backup) if backup else ""
    return {"entries": len(foreign.entries), "bytes": size, "backup": where, "notes": list(notes)}


def _check_alone(node: Daemon) -> None:
    if node.life.clustered:
        raise Conflict("This node is in a cluster, whose configuration is not one node's to replace.")
    if node.workflows.busy:
        raise Conflict("This node is joining or creating a cluster right now.")


def _ready(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    files = sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime)
    for old in files[: max(0, len(files) - KEPT_MAX)]:
        old.unlink(missing_ok=True)
    return folder


@contextlib.contextmanager
def _once(path: Path) -> Iterator[Path]:
    """The file is gone afterwards, whatever comes of it."""
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
